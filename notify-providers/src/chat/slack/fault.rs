//! What Slack's errors mean: <https://docs.slack.dev/reference/methods/chat.postMessage#errors>, and those of webhooks:
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors>.

use notify_core::provider::Fault;

use crate::http::{Answer, Rule, Verdict, When};

use Verdict::{Config, Provider, Recipient, Request, Unknown, Wait};
use When::Code;

/// By code, which comes with status 200 from the Web API and as the whole body from webhooks. All others are the request's from the
/// Web API, and go by their status from webhooks.
const RULES: &[Rule] = &[
    // Rooms and people.
    (Code("cannot_dm_bot"), Recipient),
    (Code("channel_not_found"), Recipient),
    (Code("is_archived"), Recipient),
    (Code("not_in_channel"), Recipient),
    (Code("restricted_action"), Recipient),
    (Code("restricted_action_read_only_channel"), Recipient),
    (Code("user_not_found"), Recipient),
    // Webhooks: each of these is the end of one.
    (Code("channel_is_archived"), Recipient),
    (Code("invalid_token"), Recipient),
    (Code("no_active_hooks"), Recipient),
    (Code("no_service"), Recipient),
    (Code("no_team"), Recipient),
    (Code("team_disabled"), Recipient),
    (When::StatusText(404, "no service"), Recipient),
    // What an administrator forbids in one room is no reason to stop in all others.
    (Code("action_prohibited"), Request),
    (Code("posting_to_general_channel_denied"), Request),
    // The app and its token.
    (Code("access_denied"), Config),
    (Code("accesslimited"), Config),
    (Code("account_inactive"), Config),
    (Code("ekm_access_denied"), Config),
    (Code("enterprise_is_restricted"), Config),
    (Code("invalid_auth"), Config),
    (Code("missing_scope"), Config),
    (Code("no_permission"), Config),
    (Code("not_allowed_token_type"), Config),
    (Code("not_authed"), Config),
    (Code("org_login_required"), Config),
    (Code("team_access_not_granted"), Config),
    (Code("token_expired"), Config),
    (Code("token_revoked"), Config),
    // Patience.
    (Code("message_limit_exceeded"), Wait(60)),
    (Code("rate_limited"), Wait(1)),
    (Code("ratelimited"), Wait(1)),
    (Code("request_timeout"), Provider),
    (Code("rollup_error"), Provider),
    (Code("service_unavailable"), Provider),
    (Code("team_added_to_org"), Provider),
    // "It's possible some aspect of the operation succeeded before the error was raised."
    (Code("fatal_error"), Unknown),
    (Code("internal_error"), Unknown),
];

/// The fault of a no.
pub(super) fn of(answer: &Answer, error: Option<&str>) -> Fault {
    answer.refusal().code(error).fault(RULES)
}
