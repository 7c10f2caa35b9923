//! What SMSC is asked.

use super::{LOGIN, PASSWORD, Smsc, refused};
use crate::suite::Vendor as _;
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::{Overflow, SmsMessage};
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, Message};
use notify_providers::sms::smsc::{SmscBuilder, SmscProvider};
use notify_providers::sms::{PriceTable, Transliteration};
use serde_json::json;
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|_| Reply::json(200, json!({"id": 1234, "cnt": 1})))
}

fn builder(fake: &FakeVendor) -> SmscBuilder {
    SmscProvider::builder(LOGIN, PASSWORD).http(fake.options())
}

fn to(number: usize, message: SmsMessage) -> Envelope {
    Envelope::new("key", Smsc::address(number), Message::new(message))
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
    let receipt = receipt.expect("is taken");
    assert_eq!(receipt.segments, Some(1));
    let id = receipt.message_id.expect("an id");
    assert!(id.starts_with("1234-"), "{id}");
    let expected = [
        ("login", LOGIN),
        ("psw", PASSWORD),
        ("phones", "+79990000007"),
        ("mes", "Код & ключ"),
        ("charset", "utf-8"),
        ("fmt", "3"),
    ];
    assert_eq!(fake.only().form(), fields(&expected));
}

#[tokio::test]
async fn everything_else_is_passed_on() {
    let fake = fake();
    let provider = SmscProvider::with_api_key("key-of-the-api")
        .from("Example")
        .transliteration(Transliteration::new().cyrillic())
        .http(fake.options())
        .build()
        .expect("builds");
    let message = SmsMessage::new("Код").with_validity(Duration::from_secs(3_600 + 90));
    provider.send(&to(7, message)).await.expect("is taken");
    let expected = [
        ("apikey", "key-of-the-api"),
        ("phones", "+79990000007"),
        ("mes", "Kod"),
        ("sender", "Example"),
        ("valid", "01:01"),
        ("charset", "utf-8"),
        ("fmt", "3"),
    ];
    assert_eq!(fake.last().form(), fields(&expected));
    for (validity, valid) in [(1, "00:01"), (999_999, "24:00")] {
        let message = SmsMessage::new("Код")
            .with_sender("Own")
            .with_validity(Duration::from_secs(validity));
        provider.send(&to(7, message)).await.expect("is taken");
        assert_eq!(fake.last().field("valid").as_deref(), Some(valid));
        assert_eq!(fake.last().field("sender").as_deref(), Some("Own"));
    }
}

#[tokio::test]
async fn messages_with_one_text_share_a_call_and_each_number_is_answered() {
    let fake = FakeVendor::start(|request| {
        let phones = request.field("phones").expect("numbers");
        let phones = phones.split(',').map(|phone| match phone {
            "+79990000001" => json!({"phone": "79990000001", "status": "0", "error": "0"}),
            "+79990000002" => json!({"phone": "79990000002", "status": "22", "error": 249}),
            _ => json!({"phone": "0", "error": "0"}),
        });
        let phones: Vec<_> = phones.collect();
        Reply::json(200, json!({"id": 5, "cnt": 3, "phones": phones}))
    });
    let provider = builder(&fake).build().expect("builds");
    let message = |text: &str| SmsMessage::new(text);
    let batch = [
        to(1, message("a")),
        to(2, message("a")),
        to(3, message("a")),
        to(1, message("b")),
    ];
    let results = provider.send_batch(&batch).await;
    let ids: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(ids, [true, false, false, true]);
    assert_eq!(results[1], Err(Fault::recipient("err_249")));
    assert_eq!(results[2], Err(Fault::unknown("short_answer")), "left out");
    let phones: Vec<_> = fake.requests().iter().map(|r| r.field("phones")).collect();
    let expected = ["+79990000001,+79990000002,+79990000003", "+79990000001"];
    assert_eq!(phones, expected.map(|phones| Some(phones.to_owned())));
}

#[tokio::test]
async fn a_call_that_is_refused_for_a_number_is_made_again_for_each() {
    let fake = FakeVendor::start(|request| match request.field("phones").as_deref() {
        Some("+79990000001") => Reply::json(200, json!({"id": 5, "cnt": 1})),
        _ => refused(7),
    });
    let provider = builder(&fake).build().expect("builds");
    let batch = [1, 2].map(|number| to(number, SmsMessage::new("a")));
    let results = provider.send_batch(&batch).await;
    assert!(
        results[0].is_ok(),
        "the good number is not taken for a dead one"
    );
    assert_eq!(results[1], Err(Fault::recipient("7")));
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test]
async fn what_a_message_costs_and_what_is_left_is_asked() {
    let fake = FakeVendor::start(|request| match request.path.as_str() {
        "/sys/balance.php" => Reply::json(200, json!({"balance": "100.5", "currency": "RUR"})),
        _ if request.field("cost").as_deref() == Some("1") => {
            Reply::json(200, json!({"cost": "2.4", "cnt": 2}))
        }
        _ => Reply::status(500),
    });
    let provider = builder(&fake).build().expect("builds");
    let balance = provider.balance().await.expect("is said");
    assert_eq!(balance.micros, 100_500_000);
    assert_eq!(balance.currency.as_deref(), Some("RUR"));
    let form = fake.last().form();
    let expected = [
        ("login", LOGIN),
        ("psw", PASSWORD),
        ("fmt", "3"),
        ("cur", "1"),
    ];
    assert_eq!(form, fields(&expected));
    let message = to(7, SmsMessage::new("Код"));
    assert_eq!(provider.cost_micros(&message).await, Ok(2_400_000));
    assert_eq!(fake.last().field("mes").as_deref(), Some("Код"));

    let fake = FakeVendor::start(|_| refused(2));
    let provider = builder(&fake).build().expect("builds");
    assert_eq!(provider.balance().await, Err(Fault::config("2")));
    assert_eq!(
        provider.cost_micros(&message).await,
        Err(Fault::config("2"))
    );
    let fake = FakeVendor::start(|_| Reply::html(200));
    let provider = builder(&fake).build().expect("builds");
    assert_eq!(provider.balance().await, Err(Fault::provider("answer")));
}

#[tokio::test]
async fn a_price_is_known_before_a_message_is_sent() {
    let prices = PriceTable::new().with("+7", 3_800_000).expect("a prefix");
    let fake = fake();
    let provider = builder(&fake)
        .prices(prices.clone().with_default(9_000_000))
        .build()
        .expect("builds");
    assert_eq!(provider.capabilities().price_micros(), Some(9_000_000));
    let russian = SmsMessage::new("я".repeat(71));
    assert_eq!(
        provider.estimate_micros(&to(7, russian.clone())),
        Some(7_600_000)
    );
    let cyprus = Envelope::new("key", Address::phone("+35799123456"), Message::new(russian));
    assert_eq!(provider.estimate_micros(&cyprus), Some(18_000_000));
    let empty = to(7, SmsMessage::new(" "));
    assert_eq!(provider.estimate_micros(&empty), None);
    let set = builder(&fake).prices(prices).price_micros(5).build();
    let set = set.expect("builds");
    assert_eq!(set.capabilities().price_micros(), Some(5));
    assert!(fake.requests().is_empty(), "nobody was asked");
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn = format!("smsc://alex:p%40ss@{host}?from=Example&transliterate=cyrillic&name=backup");
    let provider = SmscProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "backup");
    let long = SmsMessage::new("Привет").with_overflow(Overflow::Reject);
    provider.send(&to(7, long)).await.expect("is taken");
    let request = fake.last();
    assert_eq!(request.field("psw").as_deref(), Some("p@ss"));
    assert_eq!(request.field("mes").as_deref(), Some("Privet"));
    let provider = SmscProvider::from_url(&format!("smsc://key1@{host}")).expect("reads");
    provider
        .send(&to(7, SmsMessage::new("a")))
        .await
        .expect("is taken");
    assert_eq!(fake.last().field("apikey").as_deref(), Some("key1"));
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("smsc://default", "login"),
        ("smsc://:hunter2@default", "login"),
        ("smsc://alex:@default", "password"),
        ("smsc://al%20ex:hunter2@default", "login"),
        ("smsc://hunter%202@default", "key"),
        ("smsc://alex:hunter2@default?from=%20", "from"),
        (
            "smsc://alex:hunter2@default?transliterate=hunter2",
            "transliterate",
        ),
        ("smsc://alex:hunter2@default?hunter2=1", "parameter"),
        ("smsc://alex:hunter2@", "host"),
    ] {
        let error = SmscProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
