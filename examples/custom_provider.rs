//! A provider written outside the library: chat messages to incoming webhooks, over a real socket.
//!
//! ```sh
//! cargo run --example custom_provider
//! cargo test --example custom_provider    # the contract of `Provider`, clause by clause
//! ```
//!
//! Building the request and reading the answer are two functions without I/O; a third one sends. No
//! retry and no waiting: that is the worker's. What each failure means for the delivery follows from
//! its fault, so the function that reads the answer is the one to get right.

use async_trait::async_trait;
use notify_core::channel::{ChatChannel, ChatMessage};
use notify_core::memory::MemoryStore;
use notify_core::orchestrator::WorkerOptions;
use notify_core::provider::{Capabilities, Envelope, Fault, Progress, Provider, Receipt};
use notify_core::{
    Address, Category, ChannelId, Content, NotificationRequest, Orchestrator, ProviderName,
    Recipient, RetryPolicy, Route,
};
use notify_examples::support::http_sink::{HttpSink, Reply};
use notify_examples::support::{ids, settled, timeline};
use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

const HOOKS: ChannelId = ChannelId::new("chat.hooks");

/// The longest answer that is read.
const MAX_ANSWER: u64 = 16 * 1024;

/// Posts messages to incoming webhooks of one chat service.
struct WebhookProvider {
    name: ProviderName,
    able: Capabilities,
    server: SocketAddr,
    token: String,
}

impl WebhookProvider {
    fn new(server: SocketAddr, token: impl Into<String>) -> Self {
        // The service remembers keys for a day: what is sent again under the same key arrives once.
        let day = Duration::from_secs(86_400);
        let able = Capabilities::for_channel(HOOKS).with_idempotency(day);
        let (name, token) = (ProviderName::new("webhook"), token.into());
        Self {
            name,
            able,
            server,
            token,
        }
    }

    /// What is written. A message that is none of ours is refused here, before any I/O.
    fn request(&self, envelope: &Envelope) -> Result<String, Fault> {
        if !self.able.serves(envelope.message.channel()) {
            return Err(Fault::request("wrong_channel"));
        }
        let message: &ChatMessage = envelope.message.body()?;
        let body = serde_json::json!({ "text": message.text }).to_string();
        let (path, token, key) = (envelope.address.expose(), &self.token, &envelope.key);
        if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::recipient("no_path"));
        }
        Ok(format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\
             Idempotency-Key: {key}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.server,
            body.len(),
        ))
    }

    /// What an answer means, and for whom.
    fn receipt(answer: &str) -> Result<Receipt, Fault> {
        let head = answer.split("\r\n\r\n").next().unwrap_or_default();
        let status = head
            .strip_prefix("HTTP/1.1 ")
            .and_then(|line| line.get(..3)?.parse::<u16>().ok());
        let Some(status) = status else {
            // The request was written, and nobody can say what became of it.
            return Err(Fault::unknown("no_answer"));
        };
        let code = status.to_string();
        let wait = header(head, "Retry-After").and_then(|seconds| seconds.parse().ok());
        match status {
            200..=299 => {
                let id = header(head, "X-Message-Id");
                Ok(id.map_or_else(Receipt::new, Receipt::with_message_id))
            }
            // We may not: an operator must act, and the breaker opens until then.
            401 | 403 => Err(Fault::config(code)),
            // This hook is gone: the address is suppressed.
            404 | 410 => Err(Fault::recipient(code)),
            // The service has trouble, or asks for patience: tried again, or by the next provider.
            408 | 429 | 500..=599 => Err(match wait {
                Some(seconds) => Fault::retry_after(code, Duration::from_secs(seconds)),
                None => Fault::provider(code),
            }),
            // The message is at fault, and would be everywhere.
            _ => Err(Fault::request(code)),
        }
    }

    async fn exchange(&self, request: &str, progress: &Progress) -> Result<String, Fault> {
        progress.connecting();
        let connected = TcpStream::connect(self.server).await;
        let mut stream = connected.map_err(|_| Fault::provider("connect"))?;
        // From here on a cut-off means: it may have gone out.
        progress.writing();
        let mut answer = String::new();
        let exchange = async {
            stream.write_all(request.as_bytes()).await?;
            stream.take(MAX_ANSWER).read_to_string(&mut answer).await
        };
        match exchange.await {
            Ok(_) => Ok(answer),
            Err(_) => Err(Fault::unknown("connection_lost")),
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let field = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
    field.map(|(_, value)| value)
}

#[async_trait]
impl Provider for WebhookProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.able
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let request = self.request(envelope)?;
        let exchange = self.exchange(&request, &envelope.progress);
        match timeout(envelope.timeout, exchange).await {
            Ok(answer) => Self::receipt(&answer?),
            Err(_) if envelope.progress.nothing_written() => Err(Fault::provider("timeout")),
            Err(_) => Err(Fault::unknown("timeout")),
        }
    }
}

impl fmt::Debug for WebhookProvider {
    /// Without the token: what is printed is copied and kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookProvider")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = HttpSink::start()?;
    let builds = Category::transactional("builds");
    let soon = RetryPolicy::exponential(4, Duration::from_millis(100), 2);
    let notify = Orchestrator::builder(MemoryStore::new())
        .channel(ChatChannel::new(HOOKS, "hook"))
        .provider(WebhookProvider::new(service.address(), "secret-token"))
        .category(builds.with_route(Route::to(HOOKS)).with_retry(soon))
        .worker_options(WorkerOptions::default().with_call_timeout(Duration::from_millis(300)))
        .build()
        .await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = notify.worker();
    let worker = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });

    let refuse = |head: &str| Some(Reply::Refuse(head.to_owned()));
    let mut told = Vec::new();
    for (team, reply) in [
        ("all-is-well", None),
        ("outage", refuse("503 Service Unavailable")),
        ("never-answers", Some(Reply::Hang)),
        ("taken-but-cut-off", Some(Reply::Cut)),
        ("too-many", refuse("429 Too Many\r\nRetry-After: 1")),
        ("too-long", refuse("413 Content Too Large")),
        ("hook-is-gone", refuse("410 Gone")),
    ] {
        reply.into_iter().for_each(|reply| service.reply(reply));
        let built = NotificationRequest::new("build", "builds")
            .with_content(Content::new("Build 1812", "Build 1812 is green."));
        let hook = Address::new("hook", format!("/hooks/{team}"));
        let report = notify
            .send(built, Recipient::new(team).with_address(hook))
            .await?;
        settled(&notify, &ids(&report)).await?;
        told.extend(ids(&report));
    }
    timeline::print(&notify, &told).await?;
    println!("\nWhat the service has, each message once:");
    for (path, body) in service.taken() {
        println!("  {path:25} {body}");
    }
    drop(stop);
    worker.await??;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::Message;
    use notify_core::testkit::{Answer, ProviderHarness};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// The provider in front of a service that answers as the clauses tell it.
    struct Hooks {
        service: HttpSink,
        provider: Arc<WebhookProvider>,
        addresses: AtomicUsize,
    }

    impl Hooks {
        fn new() -> Self {
            let service = HttpSink::start().expect("a free port");
            let provider = Arc::new(WebhookProvider::new(service.address(), "secret-token"));
            let addresses = AtomicUsize::new(0);
            Self {
                service,
                provider,
                addresses,
            }
        }
    }

    #[async_trait]
    impl ProviderHarness for Hooks {
        fn provider(&self) -> Arc<dyn Provider> {
            Arc::<WebhookProvider>::clone(&self.provider)
        }

        fn message(&self) -> Message {
            Message::new(ChatMessage::new("Build 1812 is green.")).on(HOOKS)
        }

        fn address(&self) -> Address {
            let no = self.addresses.fetch_add(1, Ordering::Relaxed);
            Address::new("hook", format!("/hooks/team-{no}"))
        }

        async fn script(&self, answer: Answer) {
            let refuse = |head: &str| Reply::Refuse(head.to_owned());
            self.service.reply(match answer {
                Answer::Accept => Reply::Take,
                Answer::BadCredentials => refuse("401 Unauthorized"),
                Answer::CutAfterWrite => Reply::Cut,
                Answer::Hang => Reply::Hang,
                Answer::Nonsense => Reply::Nonsense,
                Answer::RateLimit(wait) => refuse(&format!(
                    "429 Too Many Requests\r\nRetry-After: {}",
                    wait.as_secs()
                )),
                Answer::RejectRecipient => refuse("410 Gone"),
                Answer::RejectRequest => refuse("422 Unprocessable Content"),
                _ => refuse("503 Service Unavailable"),
            });
        }

        async fn asked(&self) -> usize {
            self.service.asked()
        }

        async fn taken(&self) -> Vec<String> {
            self.service
                .taken()
                .into_iter()
                .map(|(path, _)| path)
                .collect()
        }

        fn secrets(&self) -> Vec<String> {
            vec!["secret-token".to_owned()]
        }

        /// The port stays open: a closed one would have to open again for the message after.
        fn can_answer(&self, answer: Answer) -> bool {
            answer != Answer::Unreachable
        }
    }

    // The whole contract, one test for each clause.
    notify_core::provider_tests!(Hooks::new());
}
