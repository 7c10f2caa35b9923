//! WhatsApp.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::ChatMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::chat::whatsapp::{self, WhatsAppProvider};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const NUMBER: &str = "106540352242922";
const TOKEN: &str = "EAAG-test-token-of-whatsapp";

pub struct WhatsApp;

fn message(text: &str) -> Message {
    Message::new(ChatMessage::new(text)).on(whatsapp::CHANNEL)
}

impl Vendor for WhatsApp {
    const SECRETS: &'static [&'static str] = &[TOKEN];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = WhatsAppProvider::builder(NUMBER, TOKEN).http(fake.options());
        Ok(Arc::new(builder.build()?))
    }

    fn message() -> Message {
        message("hello")
    }

    fn address(number: usize) -> Address {
        Address::new(whatsapp::SCHEME, format!("+1555{number:07}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        let path = format!("/v23.0/{NUMBER}/messages");
        assert_eq!((request.method.as_str(), &request.path), ("POST", &path));
        let bearer = format!("Bearer {TOKEN}");
        assert_eq!(request.header("authorization"), Some(bearer.as_str()));
        let body = request.json();
        assert_eq!(body["messaging_product"], "whatsapp");
        let kind = body["type"].as_str().expect("a type");
        assert!(body[kind].is_object(), "{body}");
        let to = body["to"].as_str().expect("a number");
        assert!(to.bytes().all(|b| b.is_ascii_digit()), "digits only");
        vec![format!("+{to}")]
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        let to = request.json()["to"].clone();
        Reply::json(
            200,
            json!({
                "messaging_product": "whatsapp",
                "contacts": [{"input": to, "wa_id": to}],
                "messages": [{"id": ids[0], "message_status": "accepted"}],
            }),
        )
    }

    fn reject_recipient(_: &Request) -> Reply {
        refused(400, 131_026)
    }

    fn reject_request(_: &Request) -> Reply {
        refused(400, 131_047)
    }

    fn rate_limit(wait: Duration) -> Reply {
        refused(400, 130_429).header("retry-after", &wait.as_secs().to_string())
    }

    fn outage() -> Reply {
        refused(500, 131_000)
    }

    fn bad_credentials() -> Reply {
        refused(401, 190)
    }

    fn table() -> Vec<Case> {
        let mut table: Vec<Case> = [
            (401, 0, "config", "0"),
            (500, 3, "config", "3"),
            (403, 10, "config", "10"),
            (400, 33, "config", "33"),
            (401, 190, "config", "190"),
            (403, 200, "config", "200"),
            (403, 368, "config", "368"),
            (403, 131_005, "config", "131005"),
            (403, 131_031, "config", "131031"),
            (400, 131_042, "config", "131042"),
            (500, 131_045, "config", "131045"),
            (400, 133_010, "config", "133010"),
            (400, 131_021, "recipient", "131021"),
            (400, 131_026, "recipient", "131026"),
            (400, 131_030, "recipient", "131030"),
            (400, 131_050, "recipient", "131050"),
            (400, 100, "request", "100"),
            (400, 130_472, "request", "130472"),
            (400, 131_008, "request", "131008"),
            (400, 131_009, "request", "131009"),
            (400, 131_047, "request", "131047"),
            (400, 131_049, "request", "131049"),
            (400, 131_051, "request", "131051"),
            (400, 132_000, "request", "132000"),
            (404, 132_001, "request", "132001"),
            (400, 132_005, "request", "132005"),
            (400, 132_007, "request", "132007"),
            (400, 132_012, "request", "132012"),
            (400, 132_015, "request", "132015"),
            (400, 132_016, "request", "132016"),
            (400, 1, "provider", "1"),
            (503, 2, "provider", "2"),
            (500, 131_000, "provider", "131000"),
            (500, 131_016, "provider", "131016"),
            // By the status.
            (403, 299, "config", "299"),
            (400, 139_000, "request", "139000"),
            (500, 139_001, "provider", "139001"),
        ]
        .map(|(status, code, kind, name)| Case::new(refused(status, code), kind, name))
        .into();
        for (code, name, wait) in [
            (4, "4", 4),
            (80_007, "80007", 4),
            (130_429, "130429", 4),
            (131_048, "131048", 64),
            (131_056, "131056", 16),
            (133_016, "133016", 64),
        ] {
            table.push(Case::new(refused(400, code), "provider", name).waiting(wait));
        }
        table
    }
}

/// WhatsApp's words for a no.
fn refused(status: u16, code: u32) -> Reply {
    let error = json!({
        "message": format!("(#{code}) No"), "type": "OAuthException", "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": "No to +15550000000"},
        "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
    });
    Reply::json(status, json!({"error": error}))
}

crate::suite::cases::vendor_suite!(WhatsApp);
