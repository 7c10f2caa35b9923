//! What Telegram's refusals mean: <https://core.telegram.org/bots/api#making-requests>, whose descriptions "are subject to change".

use notify_core::provider::Fault;

use super::Said;
use crate::http::{Answer, Rule, Verdict, When};

use Verdict::{Config, Recipient, Request};
use When::Code;

/// Telegram has no codes beside the status: words of its descriptions, in lower case, and ours for them.
const WORDS: &[(&str, &str)] = &[
    ("bot can't initiate conversation", "not_started"),
    ("bot is not a member", "not_a_member"),
    ("bot was blocked", "blocked"),
    ("bot was kicked", "kicked"),
    ("bots can't send messages to bots", "is_a_bot"),
    ("can't parse entities", "cannot_parse"),
    ("chat not found", "chat_not_found"),
    ("chat_write_forbidden", "no_rights"),
    ("group chat was deactivated", "group_deactivated"),
    ("group chat was upgraded", "group_upgraded"),
    ("have no rights to send", "no_rights"),
    ("message is too long", "too_long"),
    ("not enough rights", "no_rights"),
    ("peer_id_invalid", "peer_id_invalid"),
    ("text is empty", "empty"),
    ("user is deactivated", "user_deactivated"),
    ("user not found", "user_not_found"),
];

/// All that does not go by its status: 429 and 5xx are the provider's, 401 is a wrong token, other 400 the request's.
const RULES: &[Rule] = &[
    (Code("blocked"), Recipient),
    (Code("chat_not_found"), Recipient),
    (Code("group_deactivated"), Recipient),
    // Twice: Telegram named a new id, and another one for that.
    (Code("group_upgraded"), Recipient),
    (Code("is_a_bot"), Recipient),
    (Code("kicked"), Recipient),
    (Code("not_a_member"), Recipient),
    (Code("not_started"), Recipient),
    (Code("peer_id_invalid"), Recipient),
    (Code("user_deactivated"), Recipient),
    (Code("user_not_found"), Recipient),
    // In this chat, and no reason to stop in all others.
    (Code("no_rights"), Request),
    (When::Status(403), Request),
    // There is nothing in the path but the token and the method.
    (When::Status(404), Config),
];

/// The fault of a no.
pub(super) fn of(answer: &Answer, said: &Said) -> Fault {
    let description = said.description.as_deref().unwrap_or_default();
    let description = description.to_lowercase();
    let row = WORDS.iter().find(|(words, _)| description.contains(words));
    answer
        .refusal()
        .code(row.map(|(_, code)| code))
        .wait_seconds(said.parameters.retry_after)
        .fault(RULES)
}
