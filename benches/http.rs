//! Messages by vendors' protocols to a server in the same process that takes everything, beside a bare loop of the same client that
//! posts the same bytes: what providers cost on top of the wire.
//!
//! Run with `cargo bench --bench http`.

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
use reqwest::Client;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const MESSAGES: u64 = 2_048;
const TASKS: u64 = 64;

/// A family of protocols: a provider of it, what it is asked to send, and what the server says.
struct Family {
    name: &'static str,
    http2: bool,
    provider: fn(&str) -> Arc<dyn Provider>,
    message: fn() -> (Address, Message),
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
            let text = "0123456789 abcdefghijklmnopqrstuvwxyz\n".repeat(12);
            let mail = EmailMessage::new("Your order is on its way", text);
            (Address::email("ada@example.org"), Message::new(mail))
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
            let device = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8ff";
            (Address::device(device), Message::new(push))
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
        // The bytes that the provider wrote last, written again.
        let seen = Arc::new(server.seen());
        let client = runtime.block_on(async { client(family) });
        group.bench_function(BenchmarkId::new(family.name, "bare client"), |b| {
            b.to_async(&runtime)
                .iter(|| post_all(client.clone(), server.url.clone(), Arc::clone(&seen)));
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
    for task in 0..TASKS {
        let provider = Arc::clone(&provider);
        tasks.spawn(async move {
            for n in 0..MESSAGES / TASKS {
                let (address, message) = (family.message)();
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

async fn post_all(client: Client, url: String, seen: Arc<Seen>) {
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (client, url, seen) = (
            client.clone(),
            format!("{url}{}", seen.path),
            Arc::clone(&seen),
        );
        tasks.spawn(async move {
            for _ in 0..MESSAGES / TASKS {
                let mut request = client.post(&url).body(seen.body.clone());
                for (name, value) in &seen.headers {
                    request = request.header(name, value);
                }
                let answer = request.send().await.expect("sent");
                assert!(answer.status().is_success());
                answer.bytes().await.expect("read");
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no panic");
    }
}

/// What came last.
#[derive(Clone, Default)]
struct Seen {
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A server on a thread of its own.
struct Server {
    url: String,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    fn start(answer: &'static str) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (ready, port) = mpsc::channel();
        let shared = Arc::clone(&seen);
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
                    let seen = Arc::clone(&shared);
                    tokio::spawn(async move {
                        let service =
                            service_fn(move |request| take(request, Arc::clone(&seen), answer));
                        let server = auto::Builder::new(TokioExecutor::new());
                        drop(server.serve_connection(TokioIo::new(stream), service).await);
                    });
                }
            });
        });
        let port = port.recv().expect("the server starts");
        let url = format!("http://127.0.0.1:{port}");
        Self { url, seen }
    }

    fn seen(&self) -> Seen {
        let seen = self.seen.lock();
        let mut seen = seen.unwrap_or_else(PoisonError::into_inner).clone();
        // What the client says by itself.
        seen.headers
            .retain(|(name, _)| name != "host" && name != "content-length");
        seen
    }
}

async fn take(
    request: Request<Incoming>,
    seen: Arc<Mutex<Seen>>,
    answer: &'static str,
) -> Result<Response<String>, Infallible> {
    let (head, mut body) = request.into_parts();
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let data = frame.ok().and_then(|frame| frame.into_data().ok());
        bytes.extend_from_slice(&data.unwrap_or_default());
    }
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.path.is_empty() {
        let text = |value: &hyper::header::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        let headers = head.headers.iter();
        *seen = Seen {
            path: head.uri.path().to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect(),
            body: bytes,
        };
    }
    Ok(Response::new(answer.to_owned()))
}

criterion_group!(benches, http);
criterion_main!(benches);
