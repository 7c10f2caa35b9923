//! What SMS.ru is asked.

use super::{API_ID, SmsRu, error, taken};
use crate::suite::Vendor as _;
use crate::support::http::{FakeVendor, Reply};
use notify_core::Message;
use notify_core::channel::SmsMessage;
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_providers::sms::Transliteration;
use notify_providers::sms::sms_ru::{SmsRuBuilder, SmsRuProvider};
use serde_json::json;
use std::time::Duration;

/// Takes everything.
fn fake() -> FakeVendor {
    FakeVendor::start(|request| super::each(request, |no| taken(&format!("000000-{no}"))))
}

fn builder(fake: &FakeVendor) -> SmsRuBuilder {
    SmsRuProvider::builder(API_ID).http(fake.options())
}

fn to(number: usize, message: SmsMessage) -> Envelope {
    Envelope::new("key", SmsRu::address(number), Message::new(message))
}

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[tokio::test]
async fn a_message_is_a_form_with_what_it_needs_and_no_more() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to(7, SmsMessage::new("Код & ключ"))).await;
    let id = receipt.expect("is taken").message_id;
    assert_eq!(id.as_deref(), Some("000000-0"));
    let expected = [
        ("api_id", API_ID),
        ("json", "1"),
        ("to[79990000007]", "Код & ключ"),
    ];
    assert_eq!(fake.only().form(), fields(&expected));
}

#[tokio::test]
async fn everything_else_is_passed_on() {
    let fake = FakeVendor::start(|_| {
        let sms = json!({"79990000007": taken("1")});
        Reply::json(200, json!({"status": "OK", "status_code": 100, "sms": sms}))
    });
    let provider = builder(&fake)
        .from("Example")
        .test(true)
        .partner("17")
        .transliteration(Transliteration::new().cyrillic())
        .build()
        .expect("builds");
    let message = SmsMessage::new("Код").with_validity(Duration::from_secs(150));
    provider.send(&to(7, message)).await.expect("is taken");
    let expected = [
        ("api_id", API_ID),
        ("json", "1"),
        ("to[79990000007]", "Kod"),
        ("from", "Example"),
        ("ttl", "2"),
        ("partner_id", "17"),
        ("test", "1"),
    ];
    assert_eq!(fake.last().form(), fields(&expected));
    for (validity, ttl) in [(1, "1"), (999_999, "1440")] {
        let message = SmsMessage::new("Код")
            .with_sender("Own")
            .with_validity(Duration::from_secs(validity));
        provider.send(&to(7, message)).await.expect("is taken");
        assert_eq!(fake.last().field("ttl").as_deref(), Some(ttl));
        assert_eq!(fake.last().field("from").as_deref(), Some("Own"));
    }
}

#[tokio::test]
async fn messages_share_a_call_with_a_text_for_each_number() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let batch = [
        to(1, SmsMessage::new("a")),
        to(2, SmsMessage::new("b")),
        to(1, SmsMessage::new("c")),
        to(3, SmsMessage::new("d").with_sender("Own")),
        to(4, SmsMessage::new(" ")),
    ];
    let results = provider.send_batch(&batch).await;
    let ids: Vec<_> = results[..4]
        .iter()
        .map(|result| result.clone().expect("is taken").message_id)
        .collect();
    let expected = ["000000-0", "000000-1", "000000-0", "000000-0"];
    assert_eq!(ids, expected.map(|id| Some(id.to_owned())));
    assert_eq!(results[4], Err(Fault::request("no_body")));
    let requests = fake.requests();
    assert_eq!(requests.len(), 3, "the same number twice, another sender");
    assert_eq!(requests[0].field("to[79990000001]").as_deref(), Some("a"));
    assert_eq!(requests[0].field("to[79990000002]").as_deref(), Some("b"));
    assert_eq!(requests[1].field("to[79990000001]").as_deref(), Some("c"));
    assert_eq!(requests[2].field("from").as_deref(), Some("Own"));
    let key = |message: SmsMessage| provider.batch_key(&Message::new(message));
    assert_eq!(key(SmsMessage::new("a")), key(SmsMessage::new("b")));
    assert_ne!(
        key(SmsMessage::new("a")),
        key(SmsMessage::new("a").with_sender("b"))
    );
}

#[tokio::test]
async fn a_call_that_is_refused_for_a_number_is_made_again_for_each() {
    let fake = FakeVendor::start(|request| {
        let good = request.field("to[79990000002]").is_none();
        match good {
            true => super::each(request, |_| taken("000000-1")),
            false => Reply::json(200, error(202)),
        }
    });
    let provider = builder(&fake).build().expect("builds");
    let batch = [1, 2].map(|number| to(number, SmsMessage::new("a")));
    let results = provider.send_batch(&batch).await;
    assert!(
        results[0].is_ok(),
        "the good number is not taken for a dead one"
    );
    assert_eq!(results[1], Err(Fault::recipient("202")));
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test]
async fn a_sender_that_came_with_the_message_is_the_messages_fault() {
    let fake = FakeVendor::start(|_| Reply::json(200, error(204)));
    let provider = builder(&fake).build().expect("builds");
    let own = provider
        .send(&to(1, SmsMessage::new("a").with_sender("Own")))
        .await;
    assert_eq!(own, Err(Fault::request("204")));
    let usual = provider.send(&to(1, SmsMessage::new("a"))).await;
    assert_eq!(usual, Err(Fault::config("204")));
}

#[tokio::test]
async fn what_a_message_costs_and_what_is_left_is_asked() {
    let fake = FakeVendor::start(|request| match request.path.as_str() {
        "/my/balance" => Reply::json(
            200,
            json!({"status": "OK", "status_code": 100, "balance": 4122.56}),
        ),
        "/sms/cost" => {
            let sms = json!({"79990000007": {"status": "OK", "status_code": 100, "cost": "1.2", "sms": 1}});
            let total = json!({"status": "OK", "status_code": 100, "sms": sms, "total_cost": 1.2, "total_sms": 1});
            Reply::json(200, total)
        }
        _ => Reply::status(404),
    });
    let provider = builder(&fake).build().expect("builds");
    let balance = provider.balance().await.expect("is said");
    assert_eq!(balance.micros, 4_122_560_000);
    assert_eq!(balance.currency.as_deref(), Some("RUB"));
    let expected = [("api_id", API_ID), ("json", "1")];
    assert_eq!(fake.last().form(), fields(&expected));
    let message = to(7, SmsMessage::new("Код"));
    assert_eq!(provider.cost_micros(&message).await, Ok(1_200_000));
    assert_eq!(fake.last().field("to[79990000007]").as_deref(), Some("Код"));
    let other = to(8, SmsMessage::new("Код"));
    let unanswered = provider.cost_micros(&other).await;
    assert_eq!(unanswered, Err(Fault::provider("answer")));

    let fake = FakeVendor::start(|_| Reply::json(200, error(301)));
    let provider = builder(&fake).build().expect("builds");
    assert_eq!(provider.balance().await, Err(Fault::config("301")));
    let fake = FakeVendor::start(|_| Reply::html(200));
    let provider = builder(&fake).build().expect("builds");
    assert_eq!(provider.balance().await, Err(Fault::provider("answer")));
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "sms-ru://{API_ID}@{host}?from=Example&transliterate=accents&name=backup&partner=5"
    );
    let provider = SmsRuProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "backup");
    provider
        .send(&to(7, SmsMessage::new("„a“")))
        .await
        .expect("is taken");
    let request = fake.only();
    assert_eq!(request.field("to[79990000007]").as_deref(), Some("\"a\""));
    assert_eq!(request.field("partner_id").as_deref(), Some("5"));
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("sms-ru://default", "api_id"),
        ("sms-ru://hunter%202@default", "api_id"),
        ("sms-ru://hunter2@default?from=%0A", "from"),
        ("sms-ru://hunter2@default?test=hunter2", "test"),
        ("sms-ru://hunter2@default?hunter2=1", "parameter"),
        ("sms-ru://hunter2@", "host"),
    ] {
        let error = SmsRuProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
