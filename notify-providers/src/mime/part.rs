//! The structure of a mail: text and HTML as alternatives, images beside the HTML that shows them,
//! files below.

use lettre::message::header::{
    ContentDisposition, ContentId, ContentTransferEncoding, ContentType,
};
use lettre::message::{Body, MessageBuilder, MultiPart, SinglePart};
use notify_core::channel::EmailMessage;
use notify_core::notification::Attachment;
use notify_core::provider::Fault;

use super::header::one_line;

/// One part, or parts in a container.
enum Tree {
    Leaf(SinglePart),
    Branch(MultiPart),
}

/// Puts the content of `email` below the headers.
///
/// ```text
/// mixed ── alternative ── text
///     │              └── related ── html
///     │                        └── inline images
///     └── files
/// ```
/// A level with one part is left out. Inline files of a mail without HTML go with the others.
pub(super) fn build(
    builder: MessageBuilder,
    email: &EmailMessage,
) -> Result<lettre::Message, Fault> {
    let (inline, files): (Vec<_>, Vec<_>) = email
        .attachments
        .iter()
        .partition(|a| a.content_id.is_some() && email.html.is_some());
    let html = match &email.html {
        Some(html) => Some(related(text(html, ContentType::TEXT_HTML)?, &inline)?),
        None => None,
    };
    let plain = match &email.text {
        Some(plain) => Some(Tree::Leaf(text(plain, ContentType::TEXT_PLAIN)?)),
        None => None,
    };
    let body = match (plain, html) {
        (Some(plain), Some(html)) => {
            Tree::Branch(join(MultiPart::alternative().build(), [plain, html]))
        }
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return Err(Fault::request("no_body")),
    };
    let tree = if files.is_empty() {
        body
    } else {
        let files = files
            .into_iter()
            .map(|a| file(a).map(Tree::Leaf))
            .collect::<Result<Vec<_>, _>>()?;
        Tree::Branch(join(
            MultiPart::mixed().build(),
            std::iter::once(body).chain(files),
        ))
    };
    let message = match tree {
        Tree::Leaf(part) => builder.singlepart(part),
        Tree::Branch(parts) => builder.multipart(parts),
    };
    message.map_err(|_| Fault::request("header_from"))
}

fn related(html: SinglePart, inline: &[&Attachment]) -> Result<Tree, Fault> {
    if inline.is_empty() {
        return Ok(Tree::Leaf(html));
    }
    let images = inline
        .iter()
        .map(|a| file(a).map(Tree::Leaf))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Tree::Branch(join(
        MultiPart::related().build(),
        std::iter::once(Tree::Leaf(html)).chain(images),
    )))
}

fn join(parts: MultiPart, trees: impl IntoIterator<Item = Tree>) -> MultiPart {
    trees.into_iter().fold(parts, |parts, tree| match tree {
        Tree::Leaf(part) => parts.singlepart(part),
        Tree::Branch(branch) => parts.multipart(branch),
    })
}

fn text(content: &str, kind: ContentType) -> Result<SinglePart, Fault> {
    let content = crlf(content);
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n');
    let body = if content.chars().any(control) {
        // lettre would send ASCII control characters, NUL among them, as they are.
        Body::new_with_encoding(content, ContentTransferEncoding::QuotedPrintable)
            .map_err(|_| Fault::request("text"))?
    } else {
        Body::new(content)
    };
    Ok(SinglePart::builder().content_type(kind).body(body))
}

/// The bytes stay what they are: text files too are sent in base64, because every other encoding
/// may change their line ends.
fn file(attachment: &Attachment) -> Result<SinglePart, Fault> {
    one_line(&attachment.name).map_err(|()| Fault::request("attachment_name"))?;
    let media_type = || Fault::request("attachment_media_type");
    one_line(&attachment.media_type).map_err(|()| media_type())?;
    let kind = ContentType::parse(&attachment.media_type).map_err(|_| media_type())?;
    let body = Body::new_with_encoding(attachment.data.to_vec(), ContentTransferEncoding::Base64)
        .map_err(|_| Fault::request("attachment_data"))?;
    let part = SinglePart::builder();
    let part = match &attachment.content_id {
        Some(id) => {
            let fine = !id.is_empty()
                && id.len() <= 255
                && id
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>'));
            if !fine {
                return Err(Fault::request("attachment_content_id"));
            }
            let disposition = if attachment.name.is_empty() {
                ContentDisposition::inline()
            } else {
                ContentDisposition::inline_with_name(&attachment.name)
            };
            part.header(ContentId::from(format!("<{id}>")))
                .header(disposition)
        }
        None => part.header(ContentDisposition::attachment(&attachment.name)),
    };
    Ok(part.content_type(kind).body(body))
}

/// Every line end, also a lone CR or LF, becomes CRLF: the only one that mail has (RFC 5322 §2.3).
fn crlf(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' => {
                characters.next_if_eq(&'\n');
                out.push_str("\r\n");
            }
            '\n' => out.push_str("\r\n"),
            other => out.push(other),
        }
    }
    out
}
