//! What a server's refusal means: reply codes (RFC 5321 §4.2) and enhanced codes (RFC 3463) as
//! faults, by tables.

use notify_core::provider::{Fault, FaultKind};
use std::time::Duration;

/// Which step of the session a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The greeting, before anything was sent.
    Greeting,
    /// `EHLO`.
    Hello,
    /// `STARTTLS`.
    StartTls,
    /// `AUTH`.
    Auth,
    /// `MAIL FROM`.
    Mail,
    /// `RCPT TO`.
    Rcpt,
    /// `DATA`, before the mail was written.
    Data,
    /// The mail and its final dot.
    Body,
}

/// What a row of a table says.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    Recipient,
    Request,
    Provider,
    /// The provider says how long it wants to be left alone, in words.
    Wait(u64),
    Config,
    /// We may not send as this sender: a matter of configuration, unless the sender came with the
    /// message.
    Sender,
}

use Verdict::{Config, Provider, Recipient, Request, Sender, Wait};

/// Permanent enhanced codes (5.x.x) whose meaning does not depend on the step. The first row that
/// matches counts; `None` is any number.
const ENHANCED: &[(u16, Option<u16>, Verdict)] = &[
    // 5.1.x: addresses. 7 and 8 are the sender's, all others the recipient's.
    (1, Some(1), Recipient),
    (1, Some(2), Recipient),
    (1, Some(3), Recipient),
    (1, Some(6), Recipient),
    (1, Some(7), Sender),
    (1, Some(8), Sender),
    (1, Some(10), Recipient),
    // 5.2.x: the mailbox. A full one is not dead.
    (2, Some(1), Recipient),
    (2, Some(2), Provider),
    (2, Some(3), Request),
    // 5.3.x: the mail system. Only "not accepting messages" may pass by itself.
    (3, Some(2), Provider),
    (3, None, Request),
    // 5.4.x: routing. Microsoft 365 answers 5.4.1 for unknown recipients; a missing route or a
    // loop may be mended in hours.
    (4, Some(1), Recipient),
    (4, None, Provider),
    (5, None, Request),
    (6, None, Request),
    // 5.7.x: policy, never the recipient's fault. 8 and 9 are about our credentials.
    (7, Some(8), Config),
    (7, Some(9), Config),
    (7, None, Request),
];

/// Permanent reply codes without a telling enhanced code, from one step to another; 0 is any code.
/// The first row that matches counts.
const REPLIES: &[(u16, Stage, Stage, Verdict)] = &[
    // 550 and 553 to MAIL say that we may not use this sender.
    (550, Stage::Mail, Stage::Mail, Sender),
    (553, Stage::Mail, Stage::Mail, Sender),
    (550, Stage::Rcpt, Stage::Rcpt, Recipient),
    (551, Stage::Rcpt, Stage::Rcpt, Recipient),
    (553, Stage::Rcpt, Stage::Rcpt, Recipient),
    (521, Stage::Rcpt, Stage::Rcpt, Recipient),
    (556, Stage::Mail, Stage::Body, Recipient),
    // To MAIL, 552 answers the declared size (RFC 1870 §6.1); later it is a full mailbox, unless
    // the text speaks of size.
    (552, Stage::Mail, Stage::Mail, Request),
    (552, Stage::Rcpt, Stage::Body, Provider),
    (0, Stage::Mail, Stage::Body, Request),
];

/// Credentials: at every step and whatever the enhanced code says (RFC 4954 §6).
const CREDENTIALS: [u16; 4] = [530, 534, 535, 538];

/// Words in a bare refusal of a recipient that speak of policy: then the address is kept.
const POLICY_WORDS: &[&str] = &[
    "access denied",
    "authenticat",
    "banned",
    "blacklist",
    "blocked",
    "blocklist",
    "dkim",
    "dmarc",
    "not local sender",
    "not permitted",
    "policy",
    "relay",
    "reputation",
    "spam",
    "spf",
];

/// Words of a bare or unspecific refusal that say that there is no such mailbox.
const UNKNOWN_USER_WORDS: &[&str] = &[
    "no such user",
    "unknown user",
    "user unknown",
    "does not exist",
    "user not found",
    "mailbox not found",
];

/// Words that say that the address in question is the sender's: some servers look it up only at RCPT.
const SENDER_WORDS: &[&str] = &["sender verify", "sender address", "sender domain"];

/// Words that turn 552 into a message that is too large.
const SIZE_WORDS: &[&str] = &[
    "message size",
    "too big",
    "too large",
    "maximum size",
    "size limit",
    "message length",
];

/// Words of a temporary refusal that say how long to wait. Amazon SES writes the first two after
/// 454.
const WAIT_WORDS: &[(&str, Verdict)] = &[
    ("daily message quota exceeded", Wait(3_600)),
    ("maximum sending rate exceeded", Wait(1)),
];

/// What the refusal means. Pure: the tables above, in this order: temporary codes, credentials,
/// enhanced codes, words, reply codes.
///
/// `text` is the reply without its reply code; the enhanced code is read from its beginning.
/// `own_sender` says that the sender came with the message: then one bad template must not close
/// the provider for all others. The fault's code is the enhanced code where there is one, else the
/// reply code.
pub(super) fn fault_of(stage: Stage, code: u16, text: &str, own_sender: bool) -> Fault {
    let enhanced = enhanced_code(text);
    let verdict = match verdict_of(stage, code, enhanced, &text.to_ascii_lowercase()) {
        // Before RCPT nobody has named the recipient: an address that is refused is the sender's.
        Recipient if stage < Stage::Rcpt => Sender,
        verdict => verdict,
    };
    let kind = match verdict {
        Recipient => FaultKind::Recipient,
        Request => FaultKind::Request,
        Sender if own_sender => FaultKind::Request,
        Provider => FaultKind::Provider { retry_after: None },
        Wait(seconds) => FaultKind::Provider {
            retry_after: Some(Duration::from_secs(seconds)),
        },
        Config | Sender => FaultKind::Config,
    };
    match enhanced {
        Some([class, subject, detail]) => Fault::new(kind, format!("{class}.{subject}.{detail}")),
        None => Fault::new(kind, code.to_string()),
    }
}

fn verdict_of(stage: Stage, code: u16, enhanced: Option<[u16; 3]>, text: &str) -> Verdict {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if CREDENTIALS.contains(&code) {
        return Config;
    }
    // A code that contradicts itself (550 4.2.2) is read as the milder of its two halves: nobody is
    // suppressed by a slip.
    if !(500..600).contains(&code) || enhanced.is_some_and(|[class, ..]| class != 5) {
        return WAIT_WORDS
            .iter()
            .find(|(words, _)| text.contains(words))
            .map_or(Provider, |(_, verdict)| *verdict);
    }
    if stage < Stage::Mail {
        // Whatever is refused before MAIL is about us: our address, our name, our credentials.
        return Config;
    }
    if let Some([_, subject, detail]) = enhanced
        && let Some((.., verdict)) = ENHANCED
            .iter()
            .find(|(s, d, _)| *s == subject && d.is_none_or(|d| d == detail))
    {
        return *verdict;
    }
    let is_about_sender = says(SENDER_WORDS);
    if says(UNKNOWN_USER_WORDS) && !is_about_sender {
        return Recipient;
    }
    if code == 552 && says(SIZE_WORDS) {
        return Request;
    }
    if stage == Stage::Rcpt && (is_about_sender || says(POLICY_WORDS)) {
        return Request;
    }
    let row = REPLIES
        .iter()
        .find(|(c, from, to, _)| (*c == 0 || *c == code) && (*from..=*to).contains(&stage));
    row.map_or(Request, |(.., verdict)| *verdict)
}

/// `5.1.1` at the beginning of the text (RFC 2034 §4).
fn enhanced_code(text: &str) -> Option<[u16; 3]> {
    let first = text.split_whitespace().next()?;
    let mut numbers = first.split('.').map(|number| {
        let digits =
            !number.is_empty() && number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit());
        if digits {
            number.parse::<u16>().ok()
        } else {
            None
        }
    });
    let code = [numbers.next()??, numbers.next()??, numbers.next()??];
    (numbers.next().is_none() && matches!(code[0], 2 | 4 | 5)).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Stage::{Auth, Body, Data, Greeting, Hello, Mail, Rcpt, StartTls};

    /// Every row of the tables, as a server would write it: step, reply, whose fault it is, and its code.
    const CASES: &[(Stage, u16, &str, &str, &str)] = &[
        // Temporary: the provider's.
        (Greeting, 421, "mx busy", "provider", "421"),
        (Mail, 421, "4.7.0 too many messages", "provider", "4.7.0"),
        (Rcpt, 450, "4.2.0 greylisted", "provider", "4.2.0"),
        (Rcpt, 451, "local error", "provider", "451"),
        (Rcpt, 452, "4.2.2 mailbox full", "provider", "4.2.2"),
        (Mail, 452, "4.3.1 out of storage", "provider", "4.3.1"),
        (Rcpt, 452, "too many recipients", "provider", "452"),
        (StartTls, 454, "TLS not available", "provider", "454"),
        (
            Auth,
            454,
            "4.7.0 temporary authentication failure",
            "provider",
            "4.7.0",
        ),
        (Body, 451, "4.7.28 rate limited", "provider", "4.7.28"),
        (Body, 455, "parameters", "provider", "455"),
        (Body, 421, "4.4.2 closing", "provider", "4.4.2"),
        // Credentials and account: ours.
        (Auth, 535, "5.7.8 authentication failed", "config", "5.7.8"),
        (Auth, 535, "bad login", "config", "535"),
        (
            Mail,
            530,
            "5.7.0 must issue a STARTTLS command first",
            "config",
            "5.7.0",
        ),
        (
            Mail,
            530,
            "5.7.1 authentication required",
            "config",
            "5.7.1",
        ),
        (Auth, 534, "5.7.9 mechanism too weak", "config", "5.7.9"),
        (Auth, 538, "encryption required", "config", "538"),
        (Rcpt, 550, "5.7.8 authenticate first", "config", "5.7.8"),
        (Body, 550, "5.7.9 too weak", "config", "5.7.9"),
        (Greeting, 554, "no SMTP service here", "config", "554"),
        (Greeting, 521, "host does not accept mail", "config", "521"),
        (Hello, 550, "5.7.1 bad HELO", "config", "5.7.1"),
        (Hello, 502, "not implemented", "config", "502"),
        (StartTls, 501, "no parameters", "config", "501"),
        (
            Mail,
            553,
            "sender address rejected: not owned by user",
            "config",
            "553",
        ),
        (Mail, 550, "not local sender over smtp", "config", "550"),
        (Mail, 550, "5.1.7 bad sender", "config", "5.1.7"),
        (Mail, 550, "5.1.1 user unknown", "config", "5.1.1"),
        (Mail, 550, "sender does not exist", "config", "550"),
        (Mail, 556, "sender takes no mail", "config", "556"),
        (
            Rcpt,
            550,
            "5.1.8 sender domain not found",
            "config",
            "5.1.8",
        ),
        // A dead address.
        (Rcpt, 550, "5.1.1 no such user", "recipient", "5.1.1"),
        (Body, 550, "5.1.1 no such user", "recipient", "5.1.1"),
        (Rcpt, 550, "5.1.2 no such domain", "recipient", "5.1.2"),
        (Rcpt, 501, "5.1.3 bad syntax", "recipient", "5.1.3"),
        (Rcpt, 551, "5.1.6 moved", "recipient", "5.1.6"),
        (Rcpt, 556, "5.1.10 null MX", "recipient", "5.1.10"),
        (Rcpt, 556, "does not take mail", "recipient", "556"),
        (Rcpt, 521, "does not take mail", "recipient", "521"),
        (Rcpt, 550, "5.2.1 disabled", "recipient", "5.2.1"),
        (
            Rcpt,
            550,
            "5.4.1 recipient address rejected: access denied",
            "recipient",
            "5.4.1",
        ),
        (Rcpt, 550, "5.0.0 user unknown", "recipient", "5.0.0"),
        (Rcpt, 550, "mailbox unavailable", "recipient", "550"),
        (Rcpt, 551, "user not local", "recipient", "551"),
        (Rcpt, 553, "mailbox name not allowed", "recipient", "553"),
        (
            Body,
            554,
            "delivery error: no such user here",
            "recipient",
            "554",
        ),
        // A full mailbox and a broken route are worth another try.
        (Rcpt, 552, "5.2.2 mailbox full", "provider", "5.2.2"),
        (Body, 552, "exceeded storage allocation", "provider", "552"),
        (
            Rcpt,
            550,
            "5.3.2 system not accepting messages",
            "provider",
            "5.3.2",
        ),
        (Rcpt, 550, "5.4.4 unable to route", "provider", "5.4.4"),
        (Body, 554, "5.4.6 routing loop", "provider", "5.4.6"),
        (Rcpt, 550, "4.2.2 mailbox full", "provider", "4.2.2"),
        (Rcpt, 450, "5.1.1 no such user", "provider", "5.1.1"),
        // The message's fault: it fails everywhere.
        (Body, 552, "5.3.4 message too big", "request", "5.3.4"),
        (Body, 552, "5.2.3 too long", "request", "5.2.3"),
        (Mail, 552, "size exceeds fixed maximum", "request", "552"),
        (Body, 552, "message size limit exceeded", "request", "552"),
        (Data, 503, "5.5.1 bad sequence", "request", "5.5.1"),
        (Mail, 501, "syntax", "request", "501"),
        (Mail, 504, "parameter not implemented", "request", "504"),
        (Body, 554, "5.6.0 malformed", "request", "5.6.0"),
        (Rcpt, 550, "5.7.1 relaying denied", "request", "5.7.1"),
        (Body, 550, "5.7.26 unauthenticated", "request", "5.7.26"),
        (Body, 550, "5.7.509 DMARC", "request", "5.7.509"),
        (Body, 550, "blocked by our filter", "request", "550"),
        (Body, 554, "rejected", "request", "554"),
        (Rcpt, 554, "relay access denied", "request", "554"),
        (
            Rcpt,
            550,
            "verification failed for <news@example.com>\nno such user here\nsender verify failed",
            "request",
            "550",
        ),
        (
            Rcpt,
            550,
            "your address is on a blacklist",
            "request",
            "550",
        ),
        (Body, 550, "5.0.0 spam message rejected", "request", "5.0.0"),
    ];

    #[test]
    fn each_refusal_is_the_fault_of_the_one_who_can_mend_it() {
        for (stage, code, text, kind, fault_code) in CASES {
            let fault = fault_of(*stage, *code, text, false);
            let found = (fault.kind().as_str(), fault.code());
            assert_eq!(found, (*kind, *fault_code), "{stage:?} {code} {text}");
        }
    }

    #[test]
    fn every_row_of_the_tables_has_a_case() {
        for (subject, detail, _) in ENHANCED {
            let matches = |text: &str| {
                enhanced_code(text).is_some_and(|[class, s, d]| {
                    class == 5 && s == *subject && detail.is_none_or(|detail| detail == d)
                })
            };
            assert!(
                CASES.iter().any(|case| matches(case.2)),
                "5.{subject}.{detail:?}"
            );
        }
        for (code, from, to, _) in REPLIES {
            let matches = |case: &(Stage, u16, &str, &str, &str)| {
                (*code == 0 || case.1 == *code)
                    && (*from..=*to).contains(&case.0)
                    && enhanced_code(case.2).is_none()
            };
            assert!(CASES.iter().any(matches), "{code} from {from:?} to {to:?}");
        }
    }

    #[test]
    fn a_throttled_sender_waits_as_long_as_it_is_told() {
        let daily = fault_of(
            Body,
            454,
            "Throttling failure: Daily message quota exceeded.",
            false,
        );
        assert_eq!(
            daily.kind(),
            FaultKind::Provider {
                retry_after: Some(Duration::from_secs(3_600))
            }
        );
        let rate = fault_of(
            Mail,
            454,
            "Throttling failure: Maximum sending rate exceeded.",
            false,
        );
        assert_eq!(
            rate.kind(),
            FaultKind::Provider {
                retry_after: Some(Duration::from_secs(1))
            }
        );
    }

    #[test]
    fn a_sender_that_came_with_the_message_is_the_messages_fault() {
        for (stage, code, text) in [
            (Mail, 553, "sender rejected"),
            (Rcpt, 550, "5.1.8 no such domain"),
        ] {
            assert_eq!(fault_of(stage, code, text, true).kind(), FaultKind::Request);
        }
        assert_eq!(
            fault_of(Mail, 530, "5.7.0 authenticate", true).kind(),
            FaultKind::Config
        );
    }

    #[test]
    fn an_enhanced_code_is_read_only_where_it_is_one() {
        assert_eq!(enhanced_code("5.1.10 null MX"), Some([5, 1, 10]));
        for text in [
            "",
            "no",
            "5.1",
            "5.1.1.1",
            "3.1.1",
            "5.1.x",
            "5.1.1111",
            "sorry 5.1.1",
            "5..1",
        ] {
            assert_eq!(enhanced_code(text), None, "{text}");
        }
    }

    #[test]
    fn a_fault_never_repeats_the_servers_words() {
        let fault = fault_of(Rcpt, 550, "5.1.1 <ada@example.com> unknown", false);
        assert_eq!(fault.code(), "5.1.1");
    }
}
