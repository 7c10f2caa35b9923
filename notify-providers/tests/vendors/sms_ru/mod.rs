//! SMS.ru.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::SmsMessage;
use notify_core::provider::Provider;
use notify_core::testkit::Answer;
use notify_core::{Address, Message, Result};
use notify_providers::sms::sms_ru::SmsRuProvider;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const API_ID: &str = "test-api-id-of-sms-ru";

pub struct SmsRu;

impl Vendor for SmsRu {
    const SECRETS: &'static [&'static str] = &[API_ID];
    const TAKES_BATCHES_WHOLE: bool = false;

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = SmsRuProvider::builder(API_ID).from("Example");
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
            ("POST", "/sms/send")
        );
        assert_eq!(request.field("api_id").as_deref(), Some(API_ID));
        assert_eq!(request.field("json").as_deref(), Some("1"));
        assert_eq!(request.field("test"), None, "it is to be sent");
        let form = request.form();
        let numbers = form.iter().filter_map(|(name, text)| {
            let digits = name.strip_prefix("to[")?.strip_suffix(']')?;
            assert!(digits.bytes().all(|b| b.is_ascii_digit()), "{digits}");
            assert!(!text.is_empty());
            Some(format!("+{digits}"))
        });
        let numbers: Vec<_> = numbers.collect();
        assert!(numbers.len() <= 100, "the vendor's limit");
        numbers
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        each(request, |no| taken(&ids[no]))
    }

    fn answer_each(request: &Request, answers: &[(Answer, String)]) -> Reply {
        each(request, |no| match &answers[no] {
            (Answer::Accept, id) => taken(id),
            (Answer::RejectRecipient, _) => error(202),
            _ => error(205),
        })
    }

    fn reject_recipient(request: &Request) -> Reply {
        each(request, |_| error(202))
    }

    fn reject_request(_: &Request) -> Reply {
        Reply::json(200, error(205))
    }

    fn bad_credentials() -> Reply {
        Reply::json(200, error(200))
    }

    fn table() -> Vec<Case> {
        let codes = [
            (200, "config"),
            (201, "config"),
            (202, "recipient"),
            (203, "request"),
            (204, "config"),
            (205, "request"),
            (206, "provider"),
            (207, "request"),
            (208, "request"),
            (209, "recipient"),
            (210, "config"),
            (211, "config"),
            (212, "request"),
            (213, "request"),
            (214, "request"),
            (220, "provider"),
            (230, "provider"),
            (231, "provider"),
            (232, "provider"),
            (233, "provider"),
            (300, "config"),
            (301, "config"),
            (302, "config"),
            (500, "provider"),
            (901, "config"),
            (902, "config"),
            // Not in the table.
            (999, "request"),
        ];
        let of_call = codes.map(|(code, kind)| (Reply::json(200, error(code)), code, kind));
        // The same of the only number of a call that was taken.
        let of_number = codes.map(|(code, kind)| {
            let sms = json!({"79990000000": error(code)});
            let body = json!({"status": "OK", "status_code": 100, "sms": sms, "balance": 4122.56});
            (Reply::json(200, body), code, kind)
        });
        let mut table = Vec::new();
        for (reply, code, kind) in of_call.into_iter().chain(of_number) {
            let case = Case::new(reply, kind, Box::leak(code.to_string().into_boxed_str()));
            table.push(match code {
                206 | 230 | 232 | 233 => case.waiting(3_600),
                231 => case.waiting(60),
                _ => case,
            });
        }
        let answered = |sms: Value| json!({"status": "OK", "status_code": 100, "sms": sms});
        for (sms, code) in [
            (json!({}), "short_answer"),
            (json!({"79990000000": {"status": "OK"}}), "answer"),
            (json!({"79990000000": {"status_code": 100}}), "answer"),
        ] {
            table.push(Case::json(200, answered(sms), "unknown", code));
        }
        table
    }
}

fn taken(id: &str) -> Value {
    json!({"status": "OK", "status_code": 100, "sms_id": id})
}

fn error(code: u32) -> Value {
    json!({"status": "ERROR", "status_code": code, "status_text": "no to 79990000000"})
}

/// The vendor's words for a call of which each number is answered.
fn each(request: &Request, answer: impl Fn(usize) -> Value) -> Reply {
    let numbers = SmsRu::addresses(request).into_iter().enumerate();
    let sms: Map<_, _> = numbers
        .map(|(no, number)| (number.trim_start_matches('+').to_owned(), answer(no)))
        .collect();
    let body = json!({"status": "OK", "status_code": 100, "sms": sms, "balance": 4122.56});
    Reply::json(200, body)
}

crate::suite::cases::vendor_suite!(SmsRu);
