//! SMSC.ru.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::SmsMessage;
use notify_core::provider::Provider;
use notify_core::testkit::Answer;
use notify_core::{Address, Message, Result};
use notify_providers::sms::smsc::SmscProvider;
use serde_json::{Value, json};
use std::sync::Arc;

const LOGIN: &str = "alex";
const PASSWORD: &str = "test-password-of-smsc";

pub struct Smsc;

impl Vendor for Smsc {
    const SECRETS: &'static [&'static str] = &[PASSWORD];
    const TAKES_BATCHES_WHOLE: bool = false;

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = SmscProvider::builder(LOGIN, PASSWORD).from("Example");
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        Message::new(SmsMessage::new("Ваш код: 123456."))
    }

    fn address(number: usize) -> Address {
        Address::phone(format!("+7999{number:07}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/sys/send.php")
        );
        let field = |name| request.field(name);
        assert_eq!(field("login").as_deref(), Some(LOGIN));
        assert_eq!(field("psw").as_deref(), Some(PASSWORD));
        assert_eq!(field("fmt").as_deref(), Some("3"), "JSON");
        assert_eq!(field("charset").as_deref(), Some("utf-8"));
        assert_eq!(field("cost"), None, "it is to be sent");
        assert!(field("mes").is_some_and(|text| !text.is_empty()));
        let phones = field("phones").expect("numbers");
        let phones: Vec<_> = phones.split(',').map(str::to_owned).collect();
        assert!(phones.iter().all(|phone| phone.starts_with('+')));
        assert_eq!(field("op").is_some(), phones.len() > 1);
        phones
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        taken(request, &ids[0], |_| json!("0"))
    }

    fn answer_each(request: &Request, answers: &[(Answer, String)]) -> Reply {
        taken(request, &answers[0].1, |no| match answers[no].0 {
            Answer::Accept => json!("0"),
            Answer::RejectRecipient => json!("249"),
            _ => json!(253),
        })
    }

    fn reject_recipient(_: &Request) -> Reply {
        refused(7)
    }

    fn reject_request(_: &Request) -> Reply {
        refused(6)
    }

    fn bad_credentials() -> Reply {
        refused(2)
    }

    fn table() -> Vec<Case> {
        let case = |code, kind, name| Case::new(refused(code), kind, name);
        vec![
            case(1, "request", "1"),
            case(2, "config", "2"),
            case(3, "config", "3"),
            case(4, "provider", "4").waiting(3_600),
            case(5, "request", "5"),
            case(6, "request", "6"),
            case(7, "recipient", "7"),
            case(8, "request", "8"),
            case(9, "provider", "9").waiting(60),
            // Not in the table.
            case(99, "request", "99"),
            Case::json(200, json!({"error": "no words"}), "request", "error"),
            Case::json(200, json!({"cnt": 1}), "unknown", "answer"),
            Case::json(200, json!({"id": "", "cnt": 1}), "unknown", "answer"),
        ]
    }
}

/// The vendor's words for a no, which come with the status of a yes.
fn refused(code: u32) -> Reply {
    Reply::json(
        200,
        json!({"error": "no to +79990000000", "error_code": code}),
    )
}

/// The vendor's words for a yes; with `op=1`, for each number.
fn taken(request: &Request, id: &str, error: impl Fn(usize) -> Value) -> Reply {
    let phones = Smsc::addresses(request);
    // The vendor's ids are numbers; the suite's end in one.
    let id: u64 = id.replace("id-", "1").parse().expect("a number");
    let mut body = json!({"id": id, "cnt": phones.len()});
    if request.field("op").is_some() {
        let each = phones.iter().enumerate().map(|(no, phone)| {
            let phone = phone.trim_start_matches('+');
            json!({"phone": phone, "mccmnc": "25001", "cost": "1.2", "status": "0", "error": error(no)})
        });
        body["phones"] = each.collect();
    }
    Reply::json(200, body)
}

crate::suite::cases::vendor_suite!(Smsc);
