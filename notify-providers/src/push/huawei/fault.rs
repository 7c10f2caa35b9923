//! What Huawei's answers mean.

use notify_core::provider::{Fault, FaultKind};
use serde::Deserialize;
use serde_json::Value;

use crate::http::{Answer, Rule, Verdict, When};

/// By the code without the 80 or 81 that all codes begin with; else by the status. Codes that are not here and come with the status of
/// a yes are the message's.
const RULES: &[Rule] = &[
    (When::Code(SOME), Verdict::Recipient),
    // No token of the call is one.
    (When::Code("300007"), Verdict::Recipient),
    // The access token, and it was replaced already.
    (When::Code("200001"), Verdict::Config),
    (When::Code("200003"), Verdict::Config),
    // The application has no permission to send.
    (When::Code("300002"), Verdict::Config),
    (When::Code(INTERNAL), Verdict::Provider),
    // Parameters, the form of the message, its words, its size, its tokens.
    (When::Code("100001"), Verdict::Request),
    (When::Code("100003"), Verdict::Request),
    (When::Code("100016"), Verdict::Request),
    (When::Code("300008"), Verdict::Request),
    (When::Code("300010"), Verdict::Request),
    // The path, which holds the application's id.
    (When::Status(404), Verdict::Config),
];

/// All is for an operator but what passes by itself.
const TOKEN_RULES: &[Rule] = &[
    (When::Status(400), Verdict::Config),
    (When::Status(404), Verdict::Config),
];

const TAKEN: &str = "80000000";
/// Some tokens of the call are none.
const SOME: &str = "100000";
/// Our word for codes that begin with 81: Huawei's own troubles.
const INTERNAL: &str = "internal";

/// Huawei's answer, whatever its status.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Said {
    pub(super) code: String,
    msg: String,
    pub(super) request_id: Option<String>,
}

/// What became of a call.
pub(super) enum Outcome {
    Refused(Fault),
    /// All but these tokens were taken.
    Some(Vec<String>, Fault),
    Taken,
}

/// What is in the text of an answer that takes some of the tokens.
#[derive(Deserialize)]
struct Illegal {
    illegal_tokens: Vec<String>,
}

pub(super) fn outcome(answer: &Answer, said: &Said) -> Outcome {
    if answer.is_success() && said.code == TAKEN {
        return Outcome::Taken;
    }
    let fault = of(answer, &said.code);
    if key(&said.code) != Some(SOME) {
        return Outcome::Refused(fault);
    }
    match serde_json::from_str::<Illegal>(&said.msg) {
        Ok(illegal) => Outcome::Some(illegal.illegal_tokens, fault),
        // Some went out, and nobody knows which.
        Err(_) => Outcome::Refused(Fault::unknown("answer")),
    }
}

/// What a code is found by in the table, which takes no more digits than this for a code.
fn key(code: &str) -> Option<&str> {
    let is_code = code.len() == 8 && code.bytes().all(|b| b.is_ascii_digit());
    match code.get(..2).filter(|_| is_code)? {
        "80" => code.get(2..),
        "81" => Some(INTERNAL),
        _ => None,
    }
}

fn of(answer: &Answer, code: &str) -> Fault {
    let key = key(code);
    let fault = answer.refusal().code(key).fault(RULES);
    match key {
        Some(_) => Fault::new(fault.kind(), code.to_owned()),
        None => fault,
    }
}

/// Whether the access token was refused.
pub(super) fn is_token_refused(answer: &Answer) -> bool {
    let said: Said = answer.read().unwrap_or_default();
    answer.status() == 401 || matches!(key(&said.code), Some("200001" | "200003"))
}

/// The fault of a request for a token that was refused.
pub(super) fn of_token(answer: &Answer) -> Fault {
    let body: Value = answer.read().unwrap_or_default();
    let code = body.get("error").map(|error| match error {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    let fault = answer.refusal().code(code).fault(TOKEN_RULES);
    let code = fault.code().to_owned();
    match fault.kind() {
        // It says nothing about the message.
        FaultKind::Request => Fault::config(code),
        FaultKind::Unknown => Fault::provider(code),
        _ => fault,
    }
}
