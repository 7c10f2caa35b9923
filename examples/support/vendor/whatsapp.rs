//! WhatsApp's answers to `POST /<version>/<number>/messages`.

use serde_json::{Value, json};

use super::{Answer, Request};

/// The id of the number.
pub const NUMBER: &str = "106540352242922";
/// The token.
pub const TOKEN: &str = "EAAG-example";
/// A number without WhatsApp.
pub const DEAD: &str = "+15550199";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |head: &str, code: u32| {
        let error = json!({ "message": "no", "type": "OAuthException", "code": code });
        Answer::new(head).json(&json!({ "error": error }))
    };
    if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return refused("401 Unauthorized", 190);
    }
    if !request.path.ends_with(&format!("/{NUMBER}/messages")) {
        return refused("400 Bad Request", 100);
    }
    let body = request.json();
    let to = body["to"].as_str().map(|to| format!("+{to}"));
    // A template's name, or a text to whom wrote first.
    let what = [body.pointer("/template/name"), body.pointer("/text/body")];
    let what = what.into_iter().flatten().find_map(Value::as_str);
    match (to, what) {
        (Some(to), Some(what)) if to != DEAD => {
            let contact = json!({ "input": body["to"], "wa_id": body["to"] });
            let message = json!({ "id": "wamid.HBgLMTU1NTAxMDE=", "message_status": "accepted" });
            let said = json!({ "messaging_product": "whatsapp", "contacts": [contact], "messages": [message] });
            Answer::new("200 OK").json(&said).took(to, what)
        }
        _ => refused("400 Bad Request", 131_026),
    }
}
