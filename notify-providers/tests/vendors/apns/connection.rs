//! Apple's connections: the certificate that is shown there, and what a good-bye does.

use super::{Apns, TOPIC, builder, device};
use crate::suite::Vendor as _;
use crate::support::certificate::{Authority, Flaw};
use crate::support::http::FakeVendor;
use notify_core::channel::PushMessage;
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, Message};
use notify_providers::http::HttpOptions;
use notify_providers::push::apns::ApnsProvider;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

fn envelope() -> Envelope {
    let push = PushMessage::new("t", "b");
    Envelope::new("key", Address::device("00ff"), Message::new(push))
}

#[tokio::test]
async fn a_certificate_is_shown_instead_of_a_token() {
    let developers = Authority::new();
    let ours = developers.issue(Flaw::None);
    let pem = format!("{}{}", ours.chain_pem, ours.key_pem);
    let fake = FakeVendor::start_http2_asking(&developers, |request| Apns::accept(request, &[]));
    let builder = ApnsProvider::builder_with_certificate(TOPIC, pem);
    let provider = builder.http(fake.options()).build().expect("builds");
    provider.send(&envelope()).await.expect("is taken");
    let request = fake.only();
    assert_eq!(device(&request).0, "00ff");
    assert_eq!(request.header("authorization"), None);
    let hidden = format!("{provider:?}");
    assert!(!hidden.contains("PRIVATE"), "{hidden}");
}

#[tokio::test]
async fn a_certificate_of_somebody_else_gets_nowhere() {
    let (developers, stranger) = (Authority::new(), Authority::new().issue(Flaw::None));
    let pem = format!("{}{}", stranger.chain_pem, stranger.key_pem);
    let fake = FakeVendor::start_http2_asking(&developers, |request| Apns::accept(request, &[]));
    let builder = ApnsProvider::builder_with_certificate(TOPIC, pem);
    let provider = builder.http(fake.options()).build().expect("builds");
    let fault = provider.send(&envelope()).await.expect_err("is refused");
    // Over TLS 1.3 the client has written before it hears of it.
    assert!(
        matches!(fault.kind().as_str(), "unknown" | "config" | "provider"),
        "{fault}"
    );
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn calls_share_the_connections_that_are_allowed() {
    let fake = FakeVendor::start(|request| Apns::accept(request, &[]));
    let three = NonZeroUsize::new(3).expect("is not zero");
    let builder = builder(&fake).http(fake.options().connections(three));
    let provider = Arc::new(builder.build().expect("builds"));
    let mut calls = JoinSet::new();
    for _ in 0..60 {
        let provider = Arc::clone(&provider);
        calls.spawn(async move { provider.send(&envelope()).await });
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    let requests = fake.requests();
    let connections: BTreeSet<_> = requests.iter().map(|request| request.connection).collect();
    assert_eq!(connections.len(), 3);
}

/// Apple says good-bye to a connection now and then, and lets what is under way end.
#[tokio::test]
async fn after_a_good_bye_the_next_message_takes_another_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        for connection in 0..2 {
            let (stream, _) = listener.accept().await.expect("a client");
            let mut http = h2::server::handshake(stream).await.expect("HTTP/2");
            let (mut request, mut respond) = http.accept().await.expect("a call").expect("reads");
            http.graceful_shutdown();
            let answering = async {
                while let Some(data) = request.body_mut().data().await {
                    let data = data.expect("reads");
                    let flow = request.body_mut().flow_control();
                    flow.release_capacity(data.len()).expect("was held");
                }
                let response = hyper::Response::builder().header("apns-id", connection);
                let response = response.body(()).expect("a response");
                respond.send_response(response, true).expect("is open");
            };
            // The connection moves only while it is asked for the next call, which does not come.
            tokio::join!(answering, async { while http.accept().await.is_some() {} });
        }
    });
    let key = crate::support::jwt::P256.pem.as_str();
    let builder = ApnsProvider::builder(TOPIC, key, super::KEY_ID, super::TEAM_ID);
    let options = HttpOptions::new().base_url(base);
    let provider = builder.http(options).build().expect("builds");
    for connection in ["0", "1"] {
        let receipt = provider.send(&envelope()).await;
        let id = receipt.map(|receipt| receipt.message_id);
        assert_eq!(id, Ok(Some(connection.to_owned())));
    }
    server.await.expect("ends");
}

#[tokio::test]
async fn a_call_that_apple_never_looked_at_is_no_unknown_one() {
    let fake = FakeVendor::start_http2(|_| crate::support::http::Reply::refuse_stream());
    let provider = builder(&fake).build().expect("builds");
    let fault = provider.send(&envelope()).await;
    assert_eq!(fault, Err(Fault::provider("refused_stream")));
}
