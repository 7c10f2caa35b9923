//! What Discord's codes mean: <https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>.

use notify_core::provider::Fault;
use serde::Deserialize;

use crate::http::{Answer, Rule, Verdict, When};

use Verdict::{Provider, Recipient, Request, Wait};
use When::Code;

/// All that does not go by its status.
const RULES: &[Rule] = &[
    (Code("10003"), Recipient), // no such channel
    (Code("10015"), Recipient), // no such webhook
    (Code("20016"), Provider),  // the channel is in slow mode
    (Code("20028"), Provider),  // the channel has had too much
    (Code("20029"), Provider),  // the server has had too much
    (Code("50001"), Request),   // not in this channel
    (Code("50013"), Request),   // not in this channel
    (Code("50027"), Recipient), // not the webhook's token
    // The page of the guard before Discord: too many requests that were no good, from this address.
    (When::StatusText(403, "cloudflare"), Wait(600)),
    (When::StatusText(429, "cloudflare"), Wait(600)),
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    code: u32,
    retry_after: Option<f64>,
}

/// The fault of a no.
pub(super) fn of(answer: &Answer) -> Fault {
    let refused: Refused = answer.read().unwrap_or_default();
    let wait = answer.refusal();
    let code = (refused.code != 0).then_some(refused.code);
    let wait = match refused.retry_after {
        Some(seconds) => wait.wait_seconds(Some(seconds)),
        None => wait.wait(
            answer
                .retry_after()
                .or_else(|| answer.wait_seconds("x-ratelimit-reset-after")),
        ),
    };
    wait.code(code).fault(RULES)
}
