//! The HTTP client of all vendors over real sockets: what each thing that goes wrong on the way means.

#![cfg(feature = "_http")]

mod support;

use notify_core::channel::SmsMessage;
use notify_core::provider::{Envelope, Fault};
use notify_core::secret::SecretString;
use notify_core::{Address, Message};
use notify_providers::http::{Call, Guard, HttpClient, HttpClientBuilder};
use serde_json::json;
use std::time::Duration;
use support::certificate::Flaw;
use support::http::{FakeVendor, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn envelope() -> Envelope {
    let message = Message::new(SmsMessage::new("hello"));
    Envelope::new("key", Address::phone("+15550100"), message)
}

/// An envelope whose call must end within 300 ms.
fn short() -> Envelope {
    let mut envelope = envelope();
    envelope.timeout = Duration::from_millis(300);
    envelope
}

fn builder(vendor: &FakeVendor) -> HttpClientBuilder {
    HttpClient::builder("https://api.example.com").options(vendor.options())
}

fn client(vendor: &FakeVendor) -> HttpClient {
    builder(vendor).build().expect("builds")
}

fn message() -> Call {
    Call::post("/messages").json(&json!({"text": "hello"}))
}

/// What a call ends with, and whether nothing of the message was written.
async fn ended(client: &HttpClient, envelope: &Envelope) -> (Fault, bool) {
    let fault = client.send(message(), &[envelope]).await;
    let fault = fault.expect_err("there is no answer");
    (fault, envelope.progress.nothing_written())
}

#[tokio::test]
async fn a_call_is_written_as_it_was_made_and_marked() {
    let vendor = FakeVendor::start(|_| Reply::json(201, json!({"id": 7})).header("x-id", "a"));
    let envelope = envelope();
    let call = message()
        .bearer(&SecretString::from("token"))
        .query([("a", "b c")]);
    let answer = client(&vendor).send(call, &[&envelope]).await;
    let answer = answer.expect("an answer");
    assert_eq!((answer.status(), answer.header("X-Id")), (201, Some("a")));
    assert_eq!(answer.json::<serde_json::Value>(), Ok(json!({"id": 7})));
    assert!(!envelope.progress.nothing_written());

    let request = vendor.only();
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/messages")
    );
    assert_eq!(request.query, "a=b+c");
    assert_eq!(request.json(), json!({"text": "hello"}));
    assert_eq!(request.header("authorization"), Some("Bearer token"));
    assert_eq!(request.header("content-length"), Some("16"));
    assert_eq!(request.header("transfer-encoding"), None);
    assert!(
        request
            .header("user-agent")
            .is_some_and(|name| name.starts_with("notify-providers/"))
    );
}

#[tokio::test]
async fn nobody_listening_is_a_definite_failure() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let base = format!("http://127.0.0.1:{port}");
    let client = HttpClient::builder(base).build().expect("builds");
    assert_eq!(
        ended(&client, &envelope()).await,
        (Fault::provider("connect"), true)
    );
    // A message that is all in its URL is known not to have gone out, too.
    let (envelope, call) = (envelope(), Call::get("/send?text=Hello"));
    let ended = client.send(call, &[&envelope]).await;
    assert_eq!(ended.expect_err("refused"), Fault::provider("connect"));
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_a_definite_failure() {
    // RFC 6761 §6.4: this name never resolves.
    let client = HttpClient::builder("https://vendor.invalid")
        .build()
        .expect("builds");
    assert_eq!(
        ended(&client, &envelope()).await,
        (Fault::provider("dns"), true)
    );
}

#[tokio::test]
async fn a_handshake_that_hangs_is_a_definite_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let base = format!("https://127.0.0.1:{port}");
    let client = HttpClient::builder(base).build().expect("builds");
    assert_eq!(
        ended(&client, &short()).await,
        (Fault::provider("timeout"), true)
    );
}

#[tokio::test]
async fn a_connection_cut_before_tls_is_a_definite_failure() {
    let vendor = FakeVendor::start_tls(|_| Reply::status(200));
    let client = client(&vendor);
    client
        .send(message(), &[&envelope()])
        .await
        .expect("an answer");
    vendor.unreachable_once().await;
    assert_eq!(
        ended(&client, &envelope()).await,
        (Fault::provider("connect"), true)
    );
    client
        .send(message(), &[&envelope()])
        .await
        .expect("an answer");
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_for_an_operator() {
    for (flaw, code) in [
        (Flaw::Expired, "tls_expired"),
        (Flaw::NotYet, "tls_not_valid_yet"),
        (Flaw::WrongHost, "tls_wrong_host"),
    ] {
        let vendor = FakeVendor::with_certificate(flaw, &[], |_| Reply::status(200));
        let ended = ended(&client(&vendor), &envelope()).await;
        assert_eq!(ended, (Fault::config(code), true));
        assert!(vendor.requests().is_empty());
    }
    let (vendor, other) = (
        FakeVendor::start_tls(|_| Reply::status(200)),
        FakeVendor::start_tls(|_| Reply::status(200)),
    );
    let options = other.options().base_url(vendor.url());
    let client = HttpClient::builder("")
        .options(options)
        .build()
        .expect("builds");
    let ended = ended(&client, &envelope()).await;
    assert_eq!(ended, (Fault::config("tls_unknown_issuer"), true));
}

#[tokio::test]
async fn plain_text_on_a_port_for_tls_is_for_an_operator() {
    let vendor = FakeVendor::start(|_| Reply::status(200));
    let options = vendor
        .options()
        .base_url(vendor.url().replace("http:", "https:"));
    let client = HttpClient::builder("")
        .options(options)
        .build()
        .expect("builds");
    let ended = ended(&client, &envelope()).await;
    assert_eq!(ended, (Fault::config("tls_handshake"), true));
}

#[tokio::test]
async fn silence_after_the_message_is_unknown_and_ends_in_time() {
    let vendor = FakeVendor::start(|_| Reply::hang());
    let client = client(&vendor);
    assert_eq!(
        ended(&client, &short()).await,
        (Fault::unknown("timeout"), false)
    );
    let options = vendor.options().timeout(Duration::from_millis(100));
    let client = builder(&vendor).options(options).build().expect("builds");
    assert_eq!(
        ended(&client, &envelope()).await,
        (Fault::unknown("timeout"), false)
    );
}

#[tokio::test]
async fn an_answer_that_comes_too_slowly_is_unknown() {
    let vendor = FakeVendor::start(|_| {
        Reply::json(200, json!({"id": "m-1"})).dribbled(Duration::from_millis(100))
    });
    assert_eq!(
        ended(&client(&vendor), &short()).await,
        (Fault::unknown("timeout"), false)
    );
}

#[tokio::test]
async fn a_connection_cut_after_the_message_is_unknown() {
    let plain = FakeVendor::start(|_| Reply::reset());
    let http2 = FakeVendor::start_http2(|_| Reply::reset());
    for vendor in [plain, http2] {
        let ended = ended(&client(&vendor), &envelope()).await;
        assert_eq!(ended, (Fault::unknown("connection"), false));
        assert_eq!(vendor.requests().len(), 1, "it is not tried again");
    }
}

#[tokio::test]
async fn a_stream_that_was_refused_is_a_definite_failure_and_not_tried_again() {
    let vendor = FakeVendor::start_http2(|_| Reply::refuse_stream());
    let (fault, _) = ended(&client(&vendor), &envelope()).await;
    assert_eq!(fault, Fault::provider("refused_stream"));
    assert_eq!(vendor.requests().len(), 1);
}

/// A frame of RFC 9113 §4.1.
fn frame(kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, 0];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// What a call over HTTP/2 ends with if the vendor takes the message and then says good-bye: nothing after stream `last` was looked at.
async fn good_bye(last: u32) -> Fault {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        stream.write_all(&frame(4, 0, &[])).await.expect("writes");
        let mut seen = Vec::new();
        while !seen.windows(5).any(|five| five == b"hello") {
            assert!(stream.read_buf(&mut seen).await.expect("reads") > 0);
        }
        let mut payload = last.to_be_bytes().to_vec();
        payload.extend(0_u32.to_be_bytes());
        stream
            .write_all(&frame(7, 0, &payload))
            .await
            .expect("writes");
    });
    let client = HttpClient::builder(base).http2_only().build();
    let (fault, _) = ended(&client.expect("builds"), &envelope()).await;
    server.await.expect("ends");
    fault
}

#[tokio::test]
async fn a_good_bye_that_leaves_the_message_out_is_a_definite_failure() {
    assert_eq!(good_bye(0).await, Fault::provider("go_away"));
}

#[tokio::test]
async fn a_good_bye_after_the_message_is_unknown() {
    assert_eq!(good_bye(1).await, Fault::unknown("connection"));
}

#[tokio::test]
async fn waiting_for_a_stream_is_definite() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let (taken, mut messages) = tokio::sync::watch::channel(0);
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        // SETTINGS_MAX_CONCURRENT_STREAMS = 1 (RFC 9113 §6.5.2).
        let settings = frame(4, 0, &[0, 3, 0, 0, 0, 1]);
        stream.write_all(&settings).await.expect("writes");
        let mut seen = Vec::new();
        while stream.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {
            let found = seen.windows(5).filter(|five| five == b"hello");
            taken.send_replace(found.count());
        }
    });
    let client = HttpClient::builder(base).http2_only().build();
    let client = client.expect("builds");
    // The settings have come by the time that this has failed.
    let (fault, _) = ended(&client, &short()).await;
    assert_eq!(fault, Fault::unknown("timeout"));
    let (first, second) = (envelope(), short());
    let first = [&first];
    let hanging = client.send(message(), &first);
    tokio::select! {
        answer = hanging => panic!("nobody answers: {answer:?}"),
        ended = async {
            messages.wait_for(|messages| *messages == 2).await.expect("it runs");
            ended(&client, &second).await
        } => assert_eq!(ended, (Fault::provider("timeout"), true)),
    }
    assert_eq!(*messages.borrow(), 2, "the third was not written");
    server.abort();
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_bound() {
    let vendor = FakeVendor::start(|_| Reply::huge(200, 3 << 20));
    let answer = client(&vendor)
        .send(message(), &[&envelope()])
        .await
        .expect("an answer");
    assert!(answer.body().len() <= 1 << 20);
    let taken = answer.json::<serde_json::Value>();
    assert_eq!(taken, Err(Fault::unknown("answer_cut")));
}

#[tokio::test]
async fn a_yes_that_is_cut_is_unknown_and_a_no_that_is_cut_is_still_a_no() {
    for (status, fault) in [
        (200, Fault::unknown("answer_cut")),
        (400, Fault::request("http_400")),
    ] {
        let vendor = FakeVendor::start(move |_| Reply::json(status, json!({"id": 7})).cut_after(3));
        let answer = client(&vendor)
            .send(message(), &[&envelope()])
            .await
            .expect("an answer");
        let found = match answer.is_success() {
            true => answer.json::<serde_json::Value>().expect_err("cut"),
            false => answer.refusal().fault(&[]),
        };
        assert_eq!(found, fault);
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = FakeVendor::start(|_| Reply::status(200));
    let to = elsewhere.url();
    let vendor = FakeVendor::start(move |_| Reply::status(302).header("location", &to));
    let answer = client(&vendor)
        .send(message(), &[&envelope()])
        .await
        .expect("an answer");
    assert_eq!(answer.refusal().fault(&[]), Fault::config("http_302"));
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn further_calls_wait_for_a_place_and_their_wait_is_definite() {
    let vendor = FakeVendor::start(|_| Reply::hang());
    let client = builder(&vendor)
        .concurrency(std::num::NonZeroUsize::MIN)
        .build()
        .expect("builds");
    let (first, mut second) = (envelope(), short());
    second.timeout = Duration::from_millis(100);
    let first = [&first];
    let hanging = client.send(message(), &first);
    tokio::select! {
        answer = hanging => panic!("the vendor hangs: {answer:?}"),
        ended = async {
            while vendor.requests().is_empty() {
                tokio::task::yield_now().await;
            }
            ended(&client, &second).await
        } => assert_eq!(ended, (Fault::provider("timeout"), true)),
    }
    assert_eq!(vendor.requests().len(), 1);
}

#[tokio::test]
async fn a_call_without_a_message_never_fails_as_unknown() {
    for reply in [Reply::hang(), Reply::reset()] {
        let vendor = FakeVendor::start(move |_| reply.clone());
        let fault = client(&vendor)
            .fetch(message(), Duration::from_millis(300))
            .await;
        let fault = fault.expect_err("there is no answer");
        assert_eq!(fault.kind().as_str(), "provider", "{fault}");
    }
}

#[tokio::test]
async fn a_token_that_hangs_is_a_definite_failure_of_the_message() {
    let vendor = FakeVendor::start(|_| Reply::hang());
    let (client, envelope) = (client(&vendor), short());
    let work = async {
        client
            .fetch(Call::post("/token"), Duration::from_secs(60))
            .await?;
        client.send(message(), &[&envelope]).await
    };
    let fault = client.within(&[&envelope], work).await.expect_err("hangs");
    assert_eq!(fault, Fault::provider("timeout"));
    assert!(envelope.progress.nothing_written());
}

#[tokio::test]
async fn connections_are_used_again_and_shared_over_http2() {
    let http1 = FakeVendor::start_tls(|_| Reply::status(200));
    let http2 = FakeVendor::start_http2(|_| Reply::status(200));
    for vendor in [&http1, &http2] {
        let client = client(vendor);
        for _ in 0..5 {
            client
                .send(message(), &[&envelope()])
                .await
                .expect("an answer");
        }
        let requests = vendor.requests();
        assert!(requests.iter().all(|request| request.connection == 0));
        assert_eq!(requests[0].http2, std::ptr::eq(vendor, &http2));
    }
    // Calls take turns on as many connections as are asked for.
    let client = builder(&http2)
        .http2_only()
        .connections(3.try_into().expect("not zero"));
    let client = client.build().expect("builds");
    for _ in 0..6 {
        client
            .send(message(), &[&envelope()])
            .await
            .expect("an answer");
    }
    let connections = http2
        .requests()
        .iter()
        .map(|request| request.connection)
        .max();
    assert_eq!(connections, Some(3), "one before, and three now");
}

#[tokio::test]
async fn a_guarded_client_reaches_this_host_only_if_it_may() {
    let vendor = FakeVendor::start(|_| Reply::status(200));
    let url = format!("{}/hook", vendor.url());
    for (guard, expected) in [
        (Guard::new(), Err(Fault::request("url_forbidden"))),
        (Guard::new().allow_loopback(), Ok(200)),
    ] {
        let client = HttpClient::builder("https://push.example.com")
            .guard(guard)
            .build();
        let call = Call::post_url(url.as_str()).json(&json!({}));
        let answer = client.expect("builds").send(call, &[&envelope()]).await;
        assert_eq!(answer.map(|answer| answer.status()), expected);
    }
    assert_eq!(vendor.requests().len(), 1);
}

#[test]
fn debug_shows_no_secret() {
    let vendor = FakeVendor::start(|_| Reply::status(200));
    let options = vendor
        .options()
        .base_url(format!("{}/hunter2", vendor.url()));
    let client = HttpClient::builder("")
        .options(options.clone())
        .build()
        .expect("builds");
    assert!(!format!("{client:?} {options:?}").contains("hunter2"));
}
