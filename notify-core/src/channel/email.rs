//! Mail: subject, text and HTML.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::address::Address;
use crate::channel::{Channel, Escape, Part, Rendered};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{AddressScheme, ChannelId};
use crate::limits::Limits;
use crate::message::{Body, Message};
use crate::notification::Attachment;

/// A name and a mailbox, such as `Example <news@example.com>`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mailbox {
    /// What the reader sees; may be empty.
    pub name: String,
    /// The address.
    pub email: String,
}

impl Mailbox {
    /// A mailbox with a display name, which may be empty.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the address is none, or the name holds a control character.
    pub fn new(name: impl Into<String>, email: impl Into<String>) -> Result<Self> {
        let (name, email) = (name.into(), email.into());
        if name.chars().any(char::is_control) {
            return Err(Error::invalid("mailbox.name", "holds a control character"));
        }
        Address::email(email.as_str()).validate()?;
        Ok(Self { name, email })
    }
}

impl FromStr for Mailbox {
    type Err = Error;

    /// Reads `Name <address>` or an address.
    fn from_str(text: &str) -> Result<Self> {
        match text
            .trim()
            .strip_suffix('>')
            .and_then(|head| head.rsplit_once('<'))
        {
            Some((name, email)) => Self::new(name.trim().trim_matches('"'), email),
            None => Self::new("", text.trim()),
        }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox([redacted])")
    }
}

/// Where a reader unsubscribes: the headers of RFC 2369 and RFC 8058.
///
/// `https` must answer a POST with `List-Unsubscribe=One-Click` and must change nothing on GET (RFC 8058 §3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListUnsubscribe {
    /// An `https://` address of the application.
    pub https: String,
    /// A `mailto:` address, for old readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailto: Option<String>,
}

impl ListUnsubscribe {
    /// One-click unsubscription at this address.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it is not `https://`, or holds a character that would break the header.
    pub fn new(https: impl Into<String>) -> Result<Self> {
        let https = https.into();
        let fine = https.starts_with("https://")
            && https
                .bytes()
                .all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b','));
        if !fine {
            return Err(Error::new(
                ErrorKind::Config,
                "the unsubscribe link must be an https:// URL",
            ));
        }
        Ok(Self {
            https,
            mailto: None,
        })
    }

    /// Also by mail to this `mailto:` address.
    #[must_use]
    pub fn with_mailto(mut self, mailto: impl Into<String>) -> Self {
        self.mailto = Some(mailto.into());
        self
    }
}

/// A mail without sender and recipient: those belong to the provider and the envelope. One delivery goes to one mailbox, so that it
/// has one outcome: there is no `Cc` and no `Bcc`.
///
/// ```
/// use notify_core::channel::EmailMessage;
///
/// let mail = EmailMessage::new("Your order", "It is on its way.")
///     .with_html("<p>It is on its way.</p>")
///     .with_tag("shipping")
///     .with_metadata("order", "A-17")
///     .with_click_tracking(false);
/// assert_eq!(mail.metadata["order"], "A-17");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EmailMessage {
    /// One line, at most 500 characters.
    pub subject: String,
    /// The plain part.
    pub text: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
    /// Who it is from, where that is not the provider's sender.
    pub from: Option<Mailbox>,
    /// Where answers go.
    pub reply_to: Option<Mailbox>,
    /// Further headers. Names and values are checked when the mail is built.
    pub headers: Vec<(String, String)>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Where the reader unsubscribes; always present on marketing mail of applications that give links.
    pub list_unsubscribe: Option<ListUnsubscribe>,
    /// Words by which the vendor's statistics are grouped; dropped where the vendor has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What comes back with the vendor's events, by name; dropped where the vendor has no place for it. The reader may see it: it
    /// can travel as a header.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// When the vendor sends it. A provider whose vendor cannot wait refuses the mail, which would be early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
    /// Whether the vendor records that it was opened. Default: what the vendor's account says. A provider whose vendor cannot
    /// refuses `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track_opens: Option<bool>,
    /// Whether the vendor rewrites links to record clicks. Default: what the vendor's account says. A provider whose vendor cannot
    /// refuses `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track_clicks: Option<bool>,
}

impl EmailMessage {
    /// A mail with a subject and a text.
    #[must_use]
    pub fn new(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            text: Some(text.into()),
            html: None,
            from: None,
            reply_to: None,
            headers: Vec::new(),
            attachments: Vec::new(),
            list_unsubscribe: None,
            tags: Vec::new(),
            metadata: BTreeMap::new(),
            send_at: None,
            track_opens: None,
            track_clicks: None,
        }
    }

    /// From this mailbox, where that is not the provider's sender.
    #[must_use]
    pub fn with_from(mut self, from: Mailbox) -> Self {
        self.from = Some(from);
        self
    }

    /// Answers go to this mailbox.
    #[must_use]
    pub fn with_reply_to(mut self, reply_to: Mailbox) -> Self {
        self.reply_to = Some(reply_to);
        self
    }

    /// With an HTML part.
    #[must_use]
    pub fn with_html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// With one more file.
    #[must_use]
    pub fn with_attachment(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Where the reader unsubscribes.
    #[must_use]
    pub fn with_list_unsubscribe(mut self, links: ListUnsubscribe) -> Self {
        self.list_unsubscribe = Some(links);
        self
    }

    /// Counted under one more word in the vendor's statistics.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// With one more value that comes back with the vendor's events.
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Sent by the vendor at this time.
    #[must_use]
    pub const fn with_send_at(mut self, at: Timestamp) -> Self {
        self.send_at = Some(at);
        self
    }

    /// Whether the vendor records that it was opened.
    #[must_use]
    pub const fn with_open_tracking(mut self, on: bool) -> Self {
        self.track_opens = Some(on);
        self
    }

    /// Whether the vendor rewrites links to record clicks.
    #[must_use]
    pub const fn with_click_tracking(mut self, on: bool) -> Self {
        self.track_clicks = Some(on);
        self
    }
}

impl Body for EmailMessage {
    const CHANNEL: ChannelId = ChannelId::EMAIL;
}

/// Mail. Parts: `subject`, and `text` or `html` or both; optional `from` and `reply_to`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct EmailChannel;

impl EmailChannel {
    /// The channel.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Channel for EmailChannel {
    fn id(&self) -> ChannelId {
        ChannelId::EMAIL
    }

    fn accepts(&self, address: &Address) -> bool {
        *address.scheme() == AddressScheme::EMAIL
    }

    fn parts(&self) -> &[Part] {
        const {
            &[
                Part::required("subject", Escape::Line),
                Part::optional("text", Escape::Text),
                Part::optional("html", Escape::Html),
                Part::optional("from", Escape::Line),
                Part::optional("reply_to", Escape::Line),
            ]
        }
    }

    fn compose(&self, mut rendered: Rendered) -> Result<Message> {
        let subject = rendered.take("subject")?;
        if subject.chars().count() > Limits::SUBJECT {
            return Err(Error::invalid(
                "subject",
                format!("is longer than {} characters", Limits::SUBJECT),
            ));
        }
        let (text, html) = (
            rendered.take_optional("text"),
            rendered.take_optional("html"),
        );
        if text.is_none() && html.is_none() {
            return Err(Error::new(
                ErrorKind::Template,
                "the template has neither a part text nor a part html",
            ));
        }
        let mailbox = |part: Option<String>| part.map(|text| text.parse::<Mailbox>()).transpose();
        Ok(Message::new(EmailMessage {
            text,
            html,
            from: mailbox(rendered.take_optional("from"))?,
            reply_to: mailbox(rendered.take_optional("reply_to"))?,
            attachments: rendered.attachments,
            list_unsubscribe: rendered.unsubscribe,
            track_opens: rendered.untracked.then_some(false),
            track_clicks: rendered.untracked.then_some(false),
            ..EmailMessage::new(subject, "")
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notification::Class;

    fn rendered(parts: &[(&str, &str)]) -> Rendered {
        Rendered::new(
            Class::Transactional,
            parts
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
        )
    }

    #[test]
    fn a_mail_needs_a_subject_and_a_text_or_html() {
        let channel = EmailChannel::new();
        assert!(
            channel
                .compose(rendered(&[("subject", "s"), ("html", "<b>h</b>")]))
                .is_ok()
        );
        let error = channel
            .compose(rendered(&[("subject", "s")]))
            .expect_err("no body");
        assert_eq!(error.kind(), ErrorKind::Template);
        assert!(
            channel
                .compose(rendered(&[("text", "t")]))
                .expect_err("no subject")
                .to_string()
                .contains("subject")
        );
        let long = "x".repeat(501);
        let error = channel
            .compose(rendered(&[("subject", &long), ("text", "t")]))
            .expect_err("too long");
        assert_eq!(error.field_name(), Some("subject"));
    }

    #[test]
    fn a_mailbox_reads_with_and_without_a_name() {
        let named: Mailbox = "Example <news@example.com>".parse().expect("reads");
        assert_eq!(
            (named.name.as_str(), named.email.as_str()),
            ("Example", "news@example.com")
        );
        assert!("news@example.com".parse::<Mailbox>().is_ok());
        assert!(
            "Example <news@example.com\r\nBcc: x@example.com>"
                .parse::<Mailbox>()
                .is_err()
        );
    }

    #[test]
    fn an_unsubscribe_link_cannot_break_out_of_its_header() {
        assert!(ListUnsubscribe::new("https://example.com/u/t").is_ok());
        for bad in [
            "http://example.com",
            "https://example.com/>",
            "https://example.com/\r\nX: y",
        ] {
            assert!(ListUnsubscribe::new(bad).is_err(), "{bad}");
        }
    }
}
