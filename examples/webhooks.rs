//! Webhooks: what SendGrid reports back is checked, read, told apart, and acted upon.
//!
//! ```sh
//! cargo run --example webhooks
//! ```
//!
//! The key is made here, in the place of SendGrid's. A real one is in the account's settings, under "signed event webhook"; then an
//! application hands each request to the parser as it came, and answers by the error's status or 200. The body must be the bytes of
//! the wire: read and written again it is another text, and not signed by anybody.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::memory::MemoryStore;
use notify_core::preference::SuppressionScope;
use notify_core::provider::{
    Bounce, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser as _, WebhookRequest,
};
use notify_core::{
    Category, ChannelId, Content, NotificationRequest, Orchestrator, Recipient, Route, Timestamp,
};
use notify_examples::support::vendor::{Vendor, sendgrid};
use notify_examples::support::{ids, settled};
use notify_providers::email::sendgrid::{SendGridProvider, SendGridWebhook};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

const URL: &str = "https://shop.example.com/hooks/sendgrid";

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// One request of SendGrid.
struct Signed {
    time: String,
    signature: String,
    body: Vec<u8>,
}

#[tokio::main]
async fn main() -> Outcome {
    let vendor = Vendor::start(sendgrid::answer)?;
    let (server, from) = (vendor.address(), "shop@example.com");
    let dsn = format!("sendgrid://{}@{server}?from={from}", sendgrid::KEY);
    let notify = Orchestrator::builder(MemoryStore::new())
        .provider(SendGridProvider::from_url(&dsn)?)
        .category(Category::transactional("orders").with_route(Route::to(ChannelId::EMAIL)))
        .build()
        .await?;

    // Three mails that SendGrid takes: all it can say at once is that it will try.
    let mut events = Vec::new();
    for (name, what) in [
        ("ada", json!({ "event": "delivered" })),
        (
            "bruno",
            json!({ "event": "bounce", "type": "bounce", "status": "5.1.1" }),
        ),
        ("clara", json!({ "event": "spamreport" })),
    ] {
        let report = notify.send(shipped(), person(name)).await?;
        notify.worker().turn().await?;
        settled(&notify, &ids(&report)).await?;
        events.push(event(name, what, &ids(&report)[0].to_string(), &notify));
    }
    // SendGrid says some things twice, and some that nobody knew of when this was written.
    events.push(events[0].clone());
    let odd = json!({ "event": "teleported" });
    events.push(event("dora", odd, "", &notify));

    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
    let public: PublicKeyX509Der<'_> = key.public_key().as_der()?;
    let parser = SendGridWebhook::new("sendgrid", &STANDARD.encode(public.as_ref()))?;
    let request = sign(&key, &events, notify.now())?;

    println!("What is refused:");
    let mut tampered = sign(&key, &events, notify.now())?;
    let at = tampered.body.iter().position(|byte| *byte == b'1');
    tampered.body[at.ok_or("no digit")?] = b'2';
    refuse("one byte changed", read(&parser, &tampered, notify.now()))?;
    let stranger = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
    let forged = sign(&stranger, &events, notify.now())?;
    refuse("another's key", read(&parser, &forged, notify.now()))?;
    let later = notify.now() + Duration::from_secs(600);
    refuse("ten minutes late", read(&parser, &request, later))?;

    println!("\nWhat is read, of one request that is SendGrid's:");
    let mut seen = HashSet::new();
    for event in read(&parser, &request, notify.now())? {
        // An application keeps these ids where it keeps the deliveries.
        let known = event.event_id.clone().is_some_and(|id| !seen.insert(id));
        let whose = match event.delivery {
            Some(id) => notify.delivery(id).await?.recipient.to_string(),
            None => "of no delivery of ours".to_owned(),
        };
        let done = if known {
            "told before"
        } else {
            act(&notify, &event).await?
        };
        let fault = event.fault.as_ref().map(ToString::to_string);
        let (kind, fault) = (format!("{:?}", event.kind), fault.unwrap_or_default());
        println!("  {whose:22} {kind:16} {fault:21} {done}");
    }

    println!("\nThe next order:");
    for name in ["ada", "bruno", "clara"] {
        for step in notify.explain(shipped(), person(name)).await?.steps {
            println!("  {name:6} {:?}", step.decision);
        }
    }
    Ok(())
}

/// What an application does about it. Who reported spam still gets what is about their orders.
async fn act(notify: &Orchestrator, event: &ProviderEvent) -> Outcome<&'static str> {
    let (scope, done) = match event.kind {
        ProviderEventKind::Bounced {
            bounce: Bounce::Hard,
        } => (SuppressionScope::All, "nothing more goes there"),
        ProviderEventKind::Complained => (SuppressionScope::Marketing, "no more advertisements"),
        _ => return Ok("noted"),
    };
    let address = event.address.as_ref().ok_or("no address")?;
    let operator = notify.as_operator("webhook:sendgrid");
    operator.suppress(&ChannelId::EMAIL, address, scope).await?;
    Ok(done)
}

fn shipped() -> NotificationRequest {
    NotificationRequest::new("shipped", "orders")
        .with_content(Content::new("On its way", "Your order left today."))
}

fn person(name: &str) -> Recipient {
    Recipient::new(name).with_email(&format!("{name}@example.com"))
}

/// One event as SendGrid writes it, with the id of our delivery that went with the mail.
fn event(name: &str, mut event: Value, delivery: &str, notify: &Orchestrator) -> Value {
    event["email"] = format!("{name}@example.com").into();
    event["timestamp"] = (notify.now().as_micros() / 1_000_000).into();
    event["sg_event_id"] = format!("event-{name}").into();
    event["delivery_id"] = delivery.into();
    event
}

/// ECDSA over the time and the body.
fn sign(key: &EcdsaKeyPair, events: &[Value], now: Timestamp) -> Outcome<Signed> {
    let (time, body) = (
        (now.as_micros() / 1_000_000).to_string(),
        serde_json::to_vec(events)?,
    );
    let signed = [time.as_bytes(), &body].concat();
    let signature = STANDARD.encode(key.sign(&SystemRandom::new(), &signed)?);
    Ok(Signed {
        time,
        signature,
        body,
    })
}

fn read(
    parser: &SendGridWebhook,
    signed: &Signed,
    received_at: Timestamp,
) -> Result<Vec<ProviderEvent>, WebhookError> {
    let (name, time) = ("X-Twilio-Email-Event-Webhook-", signed.time.as_bytes());
    let (signature_name, time_name) = (format!("{name}Signature"), format!("{name}Timestamp"));
    let headers = [
        (signature_name.as_str(), signed.signature.as_bytes()),
        (time_name.as_str(), time),
    ];
    let request = WebhookRequest::new("POST", URL, &signed.body, received_at).with_headers(headers);
    Ok(parser.parse(&request)?.events)
}

fn refuse(what: &str, read: Result<Vec<ProviderEvent>, WebhookError>) -> Outcome {
    let error = read.err().ok_or("it was read, and must not be")?;
    println!("  {what:17} {} {error}", error.status());
    Ok(())
}
