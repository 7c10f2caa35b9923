//! What WhatsApp is asked.

use super::{NUMBER, TOKEN, WhatsApp};
use crate::hostile::{check_texts, check_texts_by};
use crate::suite::Vendor as _;
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::{Channel as _, ChatMessage};
use notify_core::provider::{Envelope, Fault, Provider};
use notify_core::{Address, DeliveryId, Message};
use notify_providers::chat::whatsapp::{self, WhatsAppBuilder, WhatsAppProvider};
use serde_json::{Value, json};
use std::sync::Arc;

fn fake() -> FakeVendor {
    FakeVendor::start(|request| WhatsApp::accept(request, &["wamid.1".to_owned()]))
}

fn builder(fake: &FakeVendor) -> WhatsAppBuilder {
    WhatsAppProvider::builder(NUMBER, TOKEN).http(fake.options())
}

fn to(address: &str, chat: ChatMessage) -> Envelope {
    let message = Message::new(chat).on(whatsapp::CHANNEL);
    let mut envelope = Envelope::new("key", Address::new(whatsapp::SCHEME, address), message);
    envelope.delivery = DeliveryId::from_u128(7);
    envelope
}

/// The request with this content. After the vendor's guide, "Send messages".
fn expected(kind: &str, content: Value) -> Value {
    let mut body = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "15550100",
        "type": kind,
        "biz_opaque_callback_data": "00000000-0000-0000-0000-000000000007",
    });
    body[kind] = content;
    body
}

#[tokio::test]
async fn a_text_is_a_text_without_a_template() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider
        .send(&to("+15550100", ChatMessage::new("Hi *there*\n& you")))
        .await;
    assert_eq!(
        receipt.expect("is taken").message_id.as_deref(),
        Some("wamid.1")
    );
    let text = json!({"preview_url": false, "body": "Hi *there*\n& you"});
    assert_eq!(fake.only().json(), expected("text", text));
}

#[tokio::test]
async fn with_a_template_a_text_fills_its_one_place() {
    let fake = fake();
    let provider = builder(&fake)
        .text_template("notice", "en_US")
        .build()
        .expect("builds");
    provider
        .send(&to("+15550100", ChatMessage::new("Hi\n\tthere     you")))
        .await
        .expect("is taken");
    let template = json!({
        "name": "notice",
        "language": {"code": "en_US"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Hi there you"}]}],
    });
    assert_eq!(fake.last().json(), expected("template", template));

    provider
        .send(&to("+15550100", ChatMessage::new("x".repeat(2_000))))
        .await
        .expect("is taken");
    let body = fake.last().json();
    let text = body["template"]["components"][0]["parameters"][0]["text"].as_str();
    assert_eq!(text.map(|text| text.chars().count()), Some(1_024));
}

#[tokio::test]
async fn blocks_are_a_template_or_another_type() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let template = json!({
        "name": "order", "language": {"code": "ru"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "42"}]}],
    });
    let chat = ChatMessage::new("Order 42").with_blocks(template.clone());
    provider
        .send(&to("+15550100", chat))
        .await
        .expect("is taken");
    assert_eq!(fake.last().json(), expected("template", template));

    let interactive =
        json!({"type": "button", "body": {"text": "Well?"}, "action": {"buttons": []}});
    let blocks = json!({"type": "interactive", "interactive": interactive, "context": {"message_id": "wamid.0"}});
    provider
        .send(&to(
            "+15550100",
            ChatMessage::new("Well?").with_blocks(blocks),
        ))
        .await
        .expect("is taken");
    let mut whole = expected("interactive", interactive);
    whole["context"] = json!({"message_id": "wamid.0"});
    assert_eq!(fake.last().json(), whole);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let provider = builder(&fake)
        .text_template("notice", "ru")
        .refuse_long_texts(true)
        .build()
        .expect("builds");
    let hi = || ChatMessage::new("hi");
    for (envelope, fault) in [
        (to("15550100", hi()), Fault::recipient("bad_address")),
        (to("+1555", hi()), Fault::recipient("bad_address")),
        (
            to("+15550100", ChatMessage::new(" ")),
            Fault::request("no_body"),
        ),
        (
            to("+15550100", ChatMessage::new("x".repeat(1_025))),
            Fault::request("text_too_long"),
        ),
        (
            to("+15550100", ChatMessage::new("x".repeat(4_097))),
            Fault::request("text_too_long"),
        ),
        (
            to("+15550100", hi().with_blocks(json!([]))),
            Fault::request("bad_blocks"),
        ),
        (
            to("+15550100", hi().with_blocks(json!({"name": "x"}))),
            Fault::request("bad_blocks"),
        ),
        (
            to(
                "+15550100",
                hi().with_blocks(json!({"type": "text", "to": "1"})),
            ),
            Fault::request("bad_blocks"),
        ),
    ] {
        assert_eq!(provider.send(&envelope).await, Err(fault));
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_yes_without_a_message_is_unknown() {
    let fake = FakeVendor::start(|_| Reply::json(200, json!({"messages": []})));
    let provider = builder(&fake).build().expect("builds");
    let fault = provider
        .send(&to("+15550100", ChatMessage::new("hi")))
        .await;
    assert_eq!(fault, Err(Fault::unknown("answer")));
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "whatsapp://{NUMBER}:{TOKEN}@{host}?template=notice&language=ru&version=v24.0&name=wa"
    );
    let provider = WhatsAppProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "wa");
    provider
        .send(&to("+15550100", ChatMessage::new("hi")))
        .await
        .expect("is taken");
    let request = fake.only();
    assert_eq!(request.path, format!("/v24.0/{NUMBER}/messages"));
    assert_eq!(request.json()["template"]["language"]["code"], "ru");
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("whatsapp://default", "phone_number_id"),
        ("whatsapp://1@default", "token"),
        ("whatsapp://hunter2:hunter2@default", "phone_number_id"),
        ("whatsapp://1:%20@default", "token"),
        ("whatsapp://1:hunter2@", "host"),
        ("whatsapp://1:hunter2@default?template=notice", "template"),
        ("whatsapp://1:hunter2@default?language=ru", "template"),
        ("whatsapp://1:hunter2@default?version=hunter2", "version"),
        ("whatsapp://1:hunter2@default?hunter2=1", "parameter"),
    ] {
        let error = WhatsAppProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn every_text_arrives_at_whatsapp_as_it_is() {
    check_texts::<WhatsApp>(|text, request| {
        assert_eq!(request.json()["text"]["body"], text);
    });
}

#[test]
fn every_text_is_one_line_in_a_template() {
    let provider = |fake: &FakeVendor| -> Arc<dyn Provider> {
        let builder = builder(fake).text_template("notice", "en_US");
        Arc::new(builder.build().expect("builds"))
    };
    check_texts_by::<WhatsApp>(provider, |text, request| {
        let body = request.json();
        let sent = &body["template"]["components"][0]["parameters"][0]["text"];
        let sent = sent.as_str().expect("a text");
        assert!(!sent.contains(['\n', '\r', '\t']) && !sent.contains("     "));
        let words = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(words(sent), words(text), "nothing else is lost");
    });
}

#[test]
fn its_channel_takes_its_addresses() {
    let channel = whatsapp::channel();
    assert_eq!(channel.id(), whatsapp::CHANNEL);
    assert!(channel.accepts(&Address::new("whatsapp", "+15550100")));
    assert!(!channel.accepts(&Address::phone("+15550100")));
}
