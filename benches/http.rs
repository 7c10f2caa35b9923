//! Messages by vendors' protocols to a server in the same process that takes everything, beside a bare loop of the same client, as
//! somebody would write it who wants nothing but the message out: what providers cost on top of it.
//!
//! Run with `cargo bench --bench http`.
//!
//! Baseline (two cores shared with the server, Linux, Rust 1.95, `--quick`): a form over HTTP/1.1 46,000/s beside 55,000 to 75,000/s
//! bare, JSON over HTTP/1.1 52,000/s beside 68,000 to 75,000/s, JSON over HTTP/2 56,000 to 58,000/s beside 60,000 to 68,000/s. So a
//! provider costs 1 to 8 µs a message: what it checks before the call, the time it keeps, and what it says of its progress.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use notify_benches::runtime;
use notify_core::channel::{EmailMessage, PushMessage, SmsMessage};
use notify_core::provider::{Envelope, Provider};
use notify_core::{Address, Message};
use notify_providers::email::resend::ResendProvider;
use notify_providers::http::HttpOptions;
use notify_providers::push::apns::ApnsProvider;
use notify_providers::sms::twilio::TwilioProvider;
use rcgen::KeyPair;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::future::poll_fn;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, mpsc};
use std::thread;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const MESSAGES: u64 = 2_048;
const TASKS: u64 = 64;
const DEVICE: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8ff";

static TEXT: LazyLock<String> =
    LazyLock::new(|| "0123456789 abcdefghijklmnopqrstuvwxyz\n".repeat(12));

/// A family of protocols: a provider of it, what it is asked to send, and what the server says.
struct Family {
    name: &'static str,
    http2: bool,
    provider: fn(&str) -> Arc<dyn Provider>,
    message: fn() -> (Address, Message),
    /// The same without a provider.
    bare: fn(&Client, &str) -> RequestBuilder,
    answer: &'static str,
}

const FAMILIES: &[Family] = &[
    Family {
        name: "http1 form",
        http2: false,
        provider: |url| {
            let builder = TwilioProvider::builder("AC0", "token").from("+15550100");
            Arc::new(builder.http(options(url)).build().expect("builds"))
        },
        message: || {
            let text = SmsMessage::new("Your order A-17 is on its way.");
            (Address::phone("+15550101"), Message::new(text))
        },
        bare: |client, url| {
            let form = [
                ("To", "+15550101"),
                ("From", "+15550100"),
                ("Body", "Your order A-17 is on its way."),
            ];
            client
                .post(format!("{url}/2010-04-01/Accounts/AC0/Messages.json"))
                .basic_auth("AC0", Some("token"))
                .form(&form)
        },
        answer: r#"{"sid": "SM00000000000000000000000000000001", "status": "queued"}"#,
    },
    Family {
        name: "http1 json",
        http2: false,
        provider: |url| {
            let from = "Example <news@example.com>".parse().expect("a mailbox");
            let builder = ResendProvider::builder("re_key", from);
            Arc::new(builder.http(options(url)).build().expect("builds"))
        },
        message: || {
            let mail = EmailMessage::new("Your order is on its way", TEXT.as_str());
            (Address::email("ada@example.org"), Message::new(mail))
        },
        bare: |client, url| {
            let mail = json!({
                "from": "Example <news@example.com>",
                "to": ["ada@example.org"],
                "subject": "Your order is on its way",
                "text": TEXT.as_str(),
            });
            client
                .post(format!("{url}/emails"))
                .bearer_auth("re_key")
                .header("idempotency-key", "0190b3c4-0000-7000-8000-000000000001")
                .json(&mail)
        },
        answer: r#"{"id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}"#,
    },
    Family {
        name: "http2 json",
        http2: true,
        provider: |url| {
            let key = KeyPair::generate().expect("a key").serialize_pem();
            let builder = ApnsProvider::builder("com.example.app", key, "ABC123DEFG", "DEF123GHIJ");
            Arc::new(builder.http(options(url)).build().expect("builds"))
        },
        message: || {
            let push = PushMessage::new("On its way", "Two parcels left our house.");
            (Address::device(DEVICE), Message::new(push))
        },
        bare: |client, url| {
            let alert = json!({ "title": "On its way", "body": "Two parcels left our house." });
            client
                .post(format!("{url}/3/device/{DEVICE}"))
                // As long as a signed one.
                .bearer_auth("0".repeat(180))
                .header("apns-topic", "com.example.app")
                .header("apns-push-type", "alert")
                .header("apns-priority", "10")
                .header("apns-id", "0190b3c4-0000-7000-8000-000000000001")
                .json(&json!({ "aps": { "alert": alert } }))
        },
        answer: "",
    },
];

fn options(url: &str) -> HttpOptions {
    HttpOptions::new().base_url(url)
}

fn http(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("http");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(MESSAGES));
    for family in FAMILIES {
        let server = Server::start(family.answer);
        let provider = (family.provider)(&server.url);
        group.bench_function(BenchmarkId::new(family.name, "provider"), |b| {
            b.to_async(&runtime)
                .iter(|| send_all(family, Arc::clone(&provider)));
        });
        let client = runtime.block_on(async { client(family) });
        group.bench_function(BenchmarkId::new(family.name, "bare client"), |b| {
            b.to_async(&runtime)
                .iter(|| post_all(family, client.clone(), server.url.clone()));
        });
    }
    group.finish();
}

fn client(family: &Family) -> Client {
    let builder = Client::builder().no_proxy().tcp_nodelay(true);
    let builder = if family.http2 {
        builder.http2_prior_knowledge()
    } else {
        builder.http1_only()
    };
    builder.build().expect("builds")
}

async fn send_all(family: &'static Family, provider: Arc<dyn Provider>) {
    let mut tasks = JoinSet::new();
    // Rendered before: what a provider is given costs only a counter.
    let (address, message) = (family.message)();
    for task in 0..TASKS {
        let (provider, address, message) =
            (Arc::clone(&provider), address.clone(), message.clone());
        tasks.spawn(async move {
            for n in 0..MESSAGES / TASKS {
                let (address, message) = (address.clone(), message.clone());
                let key = format!("0190b3c4-0000-7000-8000-{:012}-0-bench", task * 1_000 + n);
                let mut envelope = Envelope::new(key, address, message);
                envelope.timeout = Duration::from_secs(30);
                provider.send(&envelope).await.expect("sent");
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no panic");
    }
}

async fn post_all(family: &'static Family, client: Client, url: String) {
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (client, url) = (client.clone(), url.clone());
        tasks.spawn(async move {
            for _ in 0..MESSAGES / TASKS {
                let answer = (family.bare)(&client, &url).send().await.expect("sent");
                assert!(answer.status().is_success());
                let answer = answer.bytes().await.expect("read");
                if !answer.is_empty() {
                    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
                    black_box(answer);
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no panic");
    }
}

/// A server on a thread of its own.
struct Server {
    url: String,
}

impl Server {
    fn start(answer: &'static str) -> Self {
        let (ready, port) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let port = listener.local_addr().expect("an address").port();
                ready.send(port).expect("somebody waits");
                while let Ok((stream, _)) = listener.accept().await {
                    stream.set_nodelay(true).expect("a socket");
                    tokio::spawn(async move {
                        let service = service_fn(|request| take(request, answer));
                        let server = auto::Builder::new(TokioExecutor::new());
                        drop(server.serve_connection(TokioIo::new(stream), service).await);
                    });
                }
            });
        });
        let port = port.recv().expect("the server starts");
        let url = format!("http://127.0.0.1:{port}");
        Self { url }
    }
}

async fn take(
    request: Request<Incoming>,
    answer: &'static str,
) -> Result<Response<String>, Infallible> {
    let mut body = request.into_body();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        drop(frame);
    }
    Ok(Response::new(answer.to_owned()))
}

criterion_group!(benches, http);
criterion_main!(benches);
