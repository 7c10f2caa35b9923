//! Plain text in the markup of each chat service, so that nothing in it means anything there.
//!
//! What a notification says comes from templates and from data that other people wrote: without
//! this a name such as `<!channel>` or `@everyone` would ring every telephone of a company.

use std::borrow::Cow;

use crate::grapheme::longest_prefix;

/// What stands where a text was cut.
const ELLIPSIS: &str = "…";
/// Takes no room and parts what must not be read as one.
const ZERO_WIDTH_SPACE: &str = "\u{200b}";

/// How a service marks text up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Markup {
    /// Discord's Markdown.
    Discord,
    /// Slack's `mrkdwn`. Its stars and underscores cannot be escaped: send `"mrkdwn": false` with
    /// plain text, and never `link_names`.
    Slack,
    /// The text of a `TextBlock` in an Adaptive Card. A `TextRun` knows no markup and needs none of
    /// this.
    Teams,
    /// Telegram with `parse_mode` `HTML`: the simpler of its two.
    TelegramHtml,
    /// Telegram with `parse_mode` `MarkdownV2`.
    TelegramMarkdown,
    /// WhatsApp. It has no way to escape stars and underscores, and nothing in a text that calls
    /// anybody or hides where a link leads: the text goes as it is.
    WhatsApp,
}

impl Markup {
    /// The text as the service has to get it.
    pub(crate) fn escape(self, text: &str) -> Cow<'_, str> {
        let needs = |c: char| match self {
            Self::Discord => "\\*_~`|<>[]#-+@.)".contains(c),
            Self::Slack | Self::TelegramHtml => "&<>".contains(c),
            Self::Teams => "\\*_~`[]#>-+.){".contains(c),
            Self::TelegramMarkdown => TELEGRAM.contains(c),
            Self::WhatsApp => false,
        };
        if !text.contains(needs) {
            return text.into();
        }
        match self {
            Self::Discord => discord(text),
            Self::Slack | Self::TelegramHtml => entities(text),
            Self::Teams => teams(text),
            Self::TelegramMarkdown => backslashes(text, TELEGRAM),
            Self::WhatsApp => text.to_owned(),
        }
        .into()
    }

    /// How long a text may be, as [`size`](Self::size) counts it, where the service says nothing
    /// else for the place that it goes to. Vendors change these numbers.
    pub(crate) const fn limit(self) -> usize {
        match self {
            Self::Discord => 2_000,
            // What is longer is cut by Slack. The text of a section block has 3 000.
            Self::Slack => 40_000,
            // Of 28 KiB for the whole request.
            Self::Teams => 24_000,
            Self::TelegramHtml | Self::TelegramMarkdown | Self::WhatsApp => 4_096,
        }
    }

    /// How long a text is for the service. Where it does not say what a character is, UTF-16 units
    /// are counted, of which there are never fewer.
    pub(crate) fn size(self, text: &str) -> usize {
        match self {
            // What is left after its own parser.
            Self::TelegramHtml | Self::TelegramMarkdown => utf16(text),
            Self::Discord | Self::Slack | Self::WhatsApp => utf16(&self.escape(text)),
            Self::Teams => json_length(&self.escape(text)),
        }
    }

    /// The text as the service has to get it, cut to at most `max` if need be, with `…` at its end.
    pub(crate) fn fit(self, text: &str, max: usize) -> Cow<'_, str> {
        if self.size(text) <= max {
            return self.escape(text);
        }
        let cut = |prefix: &str| [prefix, ELLIPSIS].concat();
        let prefix = longest_prefix(text, |prefix| self.size(&cut(prefix)) <= max);
        self.escape(&cut(prefix)).into_owned().into()
    }
}

/// A value for a place in a WhatsApp template, which takes no line ends, no tabs, and no more than
/// four spaces on end: each run of white space becomes one space.
pub(crate) fn whatsapp_parameter(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ")
}

/// Bot API, "MarkdownV2 style".
const TELEGRAM: &str = "\\_*[]()~`>#+-=|{}.!";

/// Slack, "Escaping text"; Bot API, "HTML style".
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
    out
}

fn backslashes(text: &str, reserved: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if reserved.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A backslash before each of the `reserved`, and before what makes a heading, a quote or a list at
/// the beginning of a line.
fn markdown(out: &mut String, mut line: Line, text: &str, reserved: &str) -> Line {
    for c in text.chars() {
        if reserved.contains(c) || line.opens_with(c) {
            out.push('\\');
        }
        out.push(c);
        line = line.after(c);
    }
    line
}

/// What of a line has been read.
#[derive(Clone, Copy, PartialEq)]
enum Line {
    Start,
    /// Digits, which with a dot after them are a list.
    Number,
    Text,
}

impl Line {
    const fn opens_with(self, c: char) -> bool {
        match self {
            Self::Start => matches!(c, '#' | '>' | '-' | '+'),
            Self::Number => matches!(c, '.' | ')'),
            Self::Text => false,
        }
    }

    fn after(self, c: char) -> Self {
        match (self, c) {
            (_, '\n' | '\r') => Self::Start,
            (Self::Start, c) if c.is_whitespace() => Self::Start,
            (Self::Start | Self::Number, '0'..='9') => Self::Number,
            _ => Self::Text,
        }
    }
}

/// Markdown, but for addresses, which Discord takes as they are; and a calling of everybody taken
/// apart, for clients that do not look at `allowed_mentions`.
fn discord(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let (mut rest, mut line) = (text, Line::Start);
    while let Some((start, end)) = address(rest) {
        markdown(&mut out, line, &rest[..start], DISCORD);
        out.push_str(&rest[start..end]);
        (rest, line) = (&rest[end..], Line::Text);
    }
    markdown(&mut out, line, rest, DISCORD);
    apart(&out)
}

const DISCORD: &str = "\\*_~`|<[]";

/// Markdown, and the functions of Adaptive Cards (`{{DATE(…)}}`) taken apart.
fn teams(text: &str) -> String {
    let mut marked = String::with_capacity(text.len() + 16);
    markdown(&mut marked, Line::Start, text, "\\*_~`[]");
    let mut out = String::with_capacity(marked.len());
    for c in marked.chars() {
        if c == '{' && out.ends_with('{') {
            out.push_str(ZERO_WIDTH_SPACE);
        }
        out.push(c);
    }
    out
}

/// Where the first web address in `text` begins and ends. Characters that could be meant as markup
/// end it, but for those that are usual in addresses.
fn address(text: &str) -> Option<(usize, usize)> {
    let schemes = text.match_indices("://");
    for (at, separator) in schemes {
        let start = ["https", "http"].iter().find_map(|scheme| {
            let start = at.checked_sub(scheme.len())?;
            (text.get(start..at)? == *scheme).then_some(start)
        });
        let from = at + separator.len();
        let host = text[from..].starts_with(|c: char| c.is_ascii_alphanumeric());
        if let Some(start) = start.filter(|_| host) {
            let part = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&+,;=%".contains(c);
            let length = text[from..].find(|c| !part(c));
            return Some((start, length.map_or(text.len(), |length| from + length)));
        }
    }
    None
}

/// `@everyone` and `@here`, in any case, with something invisible after the sign.
fn apart(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        out.push(c);
        let after = &text.as_bytes()[at + c.len_utf8()..];
        let calls = |word: &str| {
            let word = word.as_bytes();
            after
                .get(..word.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(word))
        };
        if c == '@' && (calls("everyone") || calls("here")) {
            out.push_str(ZERO_WIDTH_SPACE);
        }
    }
    out
}

fn utf16(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The bytes of a text inside JSON.
fn json_length(text: &str) -> usize {
    let length = |c: char| match c {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    };
    text.chars().map(length).sum()
}

#[cfg(test)]
mod tests;
