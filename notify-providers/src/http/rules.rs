//! Whose fault a refusal is: tables of data, and the status for what no table knows.

use notify_core::provider::{Fault, FaultKind};
use std::fmt;
use std::time::Duration;

use super::Answer;

/// A row of a vendor's table: the first one that matches counts.
pub type Rule = (When, Verdict);

/// What a row matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// The vendor's code, exactly.
    Code(&'static str),
    /// The HTTP status.
    Status(u16),
    /// The HTTP status together with the vendor's code.
    StatusCode(u16, &'static str),
    /// The HTTP status together with words of the text, in lower case.
    StatusText(u16, &'static str),
    /// Words of the text, in lower case.
    Text(&'static str),
}

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Credentials, account, money or sender: an operator must act.
    Config,
    /// The vendor is at fault or asks for patience; how long, its answer may say.
    Provider,
    /// The address is dead, or wants nothing more.
    Recipient,
    /// The message is at fault.
    Request,
    /// It may have gone out.
    Unknown,
    /// The vendor asks for patience, for so many seconds where its answer does not say.
    Wait(u32),
}

/// A vendor's no, on its way to a [`Fault`].
///
/// The fault's code is the vendor's where there is one that looks like a code, else `http_` and the status; so no text of the vendor,
/// which may repeat the address, gets into it.
#[must_use]
pub struct Refusal<'a> {
    answer: &'a Answer,
    code: Option<String>,
    text: Option<String>,
    wait: Option<Duration>,
}

impl<'a> Refusal<'a> {
    pub(super) const fn new(answer: &'a Answer) -> Self {
        Self {
            answer,
            code: None,
            text: None,
            wait: None,
        }
    }

    /// The vendor's code, text or number.
    pub fn code(mut self, code: Option<impl ToString>) -> Self {
        self.code = code
            .map(|code| code.to_string())
            .filter(|code| is_code(code));
        self
    }

    /// The vendor's words. Default: the whole body.
    pub fn text(mut self, text: Option<impl AsRef<str>>) -> Self {
        self.text = text.map(|text| text.as_ref().to_lowercase());
        self
    }

    /// How long the vendor wants to be left alone, where it does not say so in `Retry-After`.
    pub fn wait(mut self, wait: Option<Duration>) -> Self {
        self.wait = wait;
        self
    }

    /// How long the vendor wants to be left alone, in seconds of its body. Bounded as `Retry-After` is.
    pub fn wait_seconds(self, seconds: Option<f64>) -> Self {
        self.wait(seconds.and_then(super::retry_after::of_seconds))
    }

    /// The fault, by the vendor's table, else by the status:
    ///
    /// | status | fault |
    /// |---|---|
    /// | 200–299 with a code of the vendor | request: it says no in its body |
    /// | 200–299 without | unknown |
    /// | 300–399 | config: the base URL is not the vendor's, or has moved |
    /// | 401, 402, 403, 407 | config |
    /// | 408, 425, 429, 500–599 | provider |
    /// | other 400–499 | request |
    #[must_use]
    pub fn fault(self, rules: &[Rule]) -> Fault {
        let status = self.answer.status();
        let code = self.code.as_deref();
        // Only tables that look at words pay for them.
        let text = match &self.text {
            Some(text) => text.clone(),
            None if rules.iter().any(|(when, _)| when.reads_text()) => {
                self.answer.text().to_lowercase()
            }
            None => String::new(),
        };
        let row = rules
            .iter()
            .find(|(when, _)| when.matches(status, code, &text));
        let verdict = row.map_or_else(|| by_status(status, code), |(_, verdict)| *verdict);
        let asked = self.wait.or_else(|| self.answer.retry_after());
        let kind = match verdict {
            Verdict::Config => FaultKind::Config,
            Verdict::Provider => FaultKind::Provider { retry_after: asked },
            Verdict::Recipient => FaultKind::Recipient,
            Verdict::Request => FaultKind::Request,
            Verdict::Unknown => FaultKind::Unknown,
            Verdict::Wait(seconds) => FaultKind::Provider {
                retry_after: asked.or(Some(Duration::from_secs(seconds.into()))),
            },
        };
        Fault::new(kind, self.code.unwrap_or_else(|| format!("http_{status}")))
    }
}

impl When {
    fn matches(self, status: u16, code: Option<&str>, text: &str) -> bool {
        match self {
            Self::Code(wanted) => code == Some(wanted),
            Self::Status(wanted) => status == wanted,
            Self::StatusCode(wanted, word) => status == wanted && code == Some(word),
            Self::StatusText(wanted, words) => status == wanted && text.contains(words),
            Self::Text(words) => text.contains(words),
        }
    }

    const fn reads_text(self) -> bool {
        matches!(self, Self::StatusText(..) | Self::Text(_))
    }
}

const fn by_status(status: u16, code: Option<&str>) -> Verdict {
    match status {
        200..=299 if code.is_some() => Verdict::Request,
        200..=299 => Verdict::Unknown,
        300..=399 | 401 | 402 | 403 | 407 => Verdict::Config,
        408 | 425 | 429 | 500..=599 => Verdict::Provider,
        400..=499 => Verdict::Request,
        _ => Verdict::Unknown,
    }
}

/// A code is short and has no more digits than a phone number lacks; vendors have been seen to put the address there.
fn is_code(code: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-:".contains(&b);
    (1..=48).contains(&code.len())
        && code.bytes().all(allowed)
        && code.bytes().filter(u8::is_ascii_digit).count() <= 6
}

impl fmt::Debug for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("answer", self.answer)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::clock::Timestamp;
    use reqwest::header::{HeaderMap, HeaderValue};

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            headers: HeaderMap::new(),
            body: body.into(),
            complete: true,
            received_at: Timestamp::EPOCH,
        }
    }

    #[test]
    fn what_no_table_knows_goes_by_its_status() {
        for (status, kind) in [
            (200, "unknown"),
            (301, "config"),
            (400, "request"),
            (401, "config"),
            (402, "config"),
            (403, "config"),
            (404, "request"),
            (407, "config"),
            (408, "provider"),
            (410, "request"),
            (413, "request"),
            (425, "provider"),
            (429, "provider"),
            (500, "provider"),
            (503, "provider"),
            (599, "provider"),
            (600, "unknown"),
            (999, "unknown"),
        ] {
            let fault = answer(status, "").refusal().fault(&[]);
            assert_eq!(fault.kind().as_str(), kind, "{status}");
            assert_eq!(fault.code(), format!("http_{status}"));
        }
        let no = answer(200, "");
        let no = no.refusal().code(Some("channel_not_found"));
        assert_eq!(no.fault(&[]), Fault::request("channel_not_found"));
    }

    #[test]
    fn the_first_row_that_matches_counts() {
        const RULES: &[Rule] = &[
            (When::StatusCode(400, "7"), Verdict::Recipient),
            (When::Code("7"), Verdict::Config),
            (When::StatusText(400, "too long"), Verdict::Unknown),
            (When::Text("gone"), Verdict::Recipient),
            (When::Status(400), Verdict::Provider),
        ];
        let fault = |status, code: Option<i32>, body: &str| {
            answer(status, body).refusal().code(code).fault(RULES)
        };
        assert_eq!(fault(400, Some(7), ""), Fault::recipient("7"));
        assert_eq!(fault(500, Some(7), ""), Fault::config("7"));
        assert_eq!(
            fault(400, None, "It is Too Long"),
            Fault::unknown("http_400")
        );
        assert_eq!(fault(404, None, "GONE"), Fault::recipient("http_404"));
        assert_eq!(fault(400, None, ""), Fault::provider("http_400"));
        assert_eq!(fault(404, Some(8), ""), Fault::request("8"));
        let said = answer(400, "gone");
        let said = said.refusal().text(Some("other words"));
        assert_eq!(said.fault(RULES), Fault::provider("http_400"));
    }

    #[test]
    fn a_wait_is_the_vendors_else_the_tables() {
        const RULES: &[Rule] = &[(When::Code("slow"), Verdict::Wait(30))];
        let (seven, thirty) = (Duration::from_secs(7), Duration::from_secs(30));
        let slow = |answer: &Answer| answer.refusal().code(Some("slow")).fault(RULES);
        let mut limited = answer(400, "");
        assert_eq!(slow(&limited), Fault::retry_after("slow", thirty));
        let headers = &mut limited.headers;
        headers.insert("retry-after", HeaderValue::from_static("7"));
        assert_eq!(slow(&limited), Fault::retry_after("slow", seven));
        let said = limited.refusal().code(Some("slow")).wait_seconds(Some(9.0));
        let nine = Duration::from_secs(9);
        assert_eq!(said.fault(RULES), Fault::retry_after("slow", nine));
    }

    #[test]
    fn what_is_no_code_is_not_kept() {
        for text in ["", "a b", "ada@example.com", "15550100123", "+1555", "й"] {
            let fault = answer(400, "").refusal().code(Some(text)).fault(&[]);
            assert_eq!(fault.code(), "http_400", "{text}");
        }
        let long = "x".repeat(49);
        let fault = answer(400, "").refusal().code(Some(long)).fault(&[]);
        assert_eq!(fault.code(), "http_400");
    }
}
