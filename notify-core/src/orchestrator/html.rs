//! What is put into the HTML and the text of mails: counted links, a picture that tells of opening, the sender's postal address. Pure.

/// The HTML with each link replaced by what `to` says of it. Only `http` and `https` in quotes, in `<a href>`; links with the attribute
/// `data-untracked` stay.
pub(super) fn with_links(html: &str, mut to: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 4);
    let mut rest = html;
    while let Some(start) = find_anchor(rest) {
        let (before, tag) = rest.split_at(start);
        out.push_str(before);
        let link = Anchor::read(tag);
        let end = link.end;
        let url = link.href.filter(|_| !link.untracked);
        let found = url.and_then(|(from, until)| {
            let url = unescape(tag.get(from..until)?);
            let is_web = ["http://", "https://"]
                .iter()
                .any(|scheme| url.to_ascii_lowercase().starts_with(scheme));
            Some((from, until, to(&url).filter(|_| is_web)?))
        });
        match found {
            Some((from, until, new)) => {
                out.push_str(&tag[..from]);
                out.push_str(&escape(&new));
                out.push_str(&tag[until..end]);
            }
            None => out.push_str(&tag[..end]),
        }
        rest = &tag[end..];
    }
    out.push_str(rest);
    out
}

/// Where the next `<a ` begins.
fn find_anchor(html: &str) -> Option<usize> {
    let bytes = html.as_bytes();
    (0..bytes.len().saturating_sub(2)).find(|at| {
        bytes[*at] == b'<'
            && bytes[at + 1].eq_ignore_ascii_case(&b'a')
            && bytes[at + 2].is_ascii_whitespace()
    })
}

/// What is known of one `<a …>`.
#[derive(Default)]
struct Anchor {
    href: Option<(usize, usize)>,
    untracked: bool,
    /// Behind the `>`, or where the text ends.
    end: usize,
}

impl Anchor {
    /// Reads attribute by attribute: a `>` in a quoted value does not end the tag.
    fn read(tag: &str) -> Self {
        let bytes = tag.as_bytes();
        let mut found = Self::default();
        let mut at = 2;
        while at < bytes.len() && bytes[at] != b'>' {
            let start = at;
            while at < bytes.len()
                && !bytes[at].is_ascii_whitespace()
                && !b"=>".contains(&bytes[at])
            {
                at += 1;
            }
            let name = &bytes[start..at];
            found.untracked |= name.eq_ignore_ascii_case(b"data-untracked");
            let is_href = name.eq_ignore_ascii_case(b"href");
            let mut next = at;
            while next < bytes.len() && bytes[next].is_ascii_whitespace() {
                next += 1;
            }
            if bytes.get(next) != Some(&b'=') {
                at = next.max(start + usize::from(start == next));
                continue;
            }
            at = next + 1;
            while at < bytes.len() && bytes[at].is_ascii_whitespace() {
                at += 1;
            }
            let quote = bytes.get(at).copied().filter(|byte| b"\"'".contains(byte));
            let from = at + usize::from(quote.is_some());
            at = from;
            let ends = |byte: u8| match quote {
                Some(quote) => byte == quote,
                None => byte.is_ascii_whitespace() || byte == b'>',
            };
            while at < bytes.len() && !ends(bytes[at]) {
                at += 1;
            }
            if is_href && quote.is_some() && found.href.is_none() && at < bytes.len() {
                found.href = Some((from, at));
            }
            at += usize::from(quote.is_some());
        }
        found.end = bytes.len().min(at + 1);
        found
    }
}

fn unescape(text: &str) -> String {
    let text = text.trim().replace("&quot;", "\"").replace("&#39;", "'");
    let text = text.replace("&#x26;", "&").replace("&#38;", "&");
    text.replace("&amp;", "&")
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// The HTML with a picture that nobody sees.
pub(super) fn with_pixel(html: &str, url: &str) -> String {
    let url = escape(url);
    let pixel = format!(
        "<img src=\"{url}\" width=\"1\" height=\"1\" alt=\"\" style=\"display:block;border:0\">"
    );
    at_the_end(html, &pixel)
}

/// The HTML with this before `</body>`, or behind everything.
fn at_the_end(html: &str, more: &str) -> String {
    let place = html.to_ascii_lowercase().rfind("</body");
    let (before, after) = html.split_at(place.unwrap_or(html.len()));
    format!("{before}{more}{after}")
}

/// The HTML with the sender's postal address, if it does not show it.
pub(super) fn with_address(html: &str, address: &str) -> String {
    if html.contains(address) || html.contains(&escape(address)) {
        return html.to_owned();
    }
    at_the_end(html, &format!("<p>{}</p>", escape(address)))
}

/// The text with the sender's postal address, if it does not show it.
pub(super) fn text_with_address(text: &str, address: &str) -> String {
    if text.contains(address) {
        return text.to_owned();
    }
    format!("{}\n\n{address}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count(html: &str) -> (String, Vec<String>) {
        let mut seen = Vec::new();
        let html = with_links(html, |url| {
            seen.push(url.to_owned());
            Some(format!("https://t.example/{}", seen.len()))
        });
        (html, seen)
    }

    #[test]
    fn links_of_the_web_are_replaced_and_nothing_else() {
        let html = "<p>a < b</p><A class=x HREF=\"https://shop.example/?a=1&amp;b=2\" title='>'>Go</A> \
            <a href='http://b.example'>b</a> <a href=\"mailto:ada@example.com\">mail</a> <a name=top>t</a> \
            <a href=\"#top\">up</a> <a data-untracked href=\"https://c.example\">c</a> <abbr href=\"https://d.example\">";
        let (out, seen) = count(html);
        assert_eq!(
            seen[..2],
            ["https://shop.example/?a=1&b=2", "http://b.example"]
        );
        assert!(out.contains("<A class=x HREF=\"https://t.example/1\" title='>'>Go</A>"));
        assert!(out.contains("<a href='https://t.example/2'>b</a>"));
        for kept in [
            "mailto:ada@example.com",
            "\"#top\"",
            "c.example",
            "d.example",
        ] {
            assert!(out.contains(kept), "{kept}: {out}");
        }
    }

    #[test]
    fn the_picture_is_the_last_thing_in_the_body() {
        let out = with_pixel("<BODY>Hi</BODY></html>", "https://t.example/o?a&b");
        assert!(out.starts_with("<BODY>Hi<img src=\"https://t.example/o?a&amp;b\""));
        assert!(out.ends_with("></BODY></html>"));
        assert!(with_pixel("Hi", "u").starts_with("Hi<img"));
    }

    #[test]
    fn the_postal_address_is_added_where_it_is_not_shown() {
        let address = "A & B Inc., 1 Main St";
        let shown = "<p>A &amp; B Inc., 1 Main St</p>";
        assert_eq!(with_address(shown, address), shown);
        assert_eq!(with_address("Hi", address), format!("Hi{shown}"));
        assert_eq!(
            text_with_address("Hi\n", address),
            format!("Hi\n\n{address}\n")
        );
        assert_eq!(text_with_address(address, address), address);
    }

    proptest! {
        #[test]
        fn html_without_anything_to_count_stays_as_it_is(html in "[<>a href='\"=/&;x]{0,60}") {
            prop_assert_eq!(with_links(&html, |_| None), html);
        }
    }
}
