//! The provider: in the child a client that writes one line for each message, in the parent the vendor that counts them, so that
//! what was sent is known after the client was killed.

use async_trait::async_trait;
use notify_core::clock::{Clock, Entropy, SeededEntropy, SystemClock};
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::{ChannelId, ProviderName};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::traffic::Key;

/// What makes the vendor answer that it has seen everybody who came before.
const HELLO: &str = "hello";
/// The longest time that the vendor takes for an answer.
const SLOWEST: Duration = Duration::from_millis(6);

/// The child's side.
#[derive(Debug)]
pub(crate) struct Client {
    name: ProviderName,
    able: Capabilities,
    vendor: SocketAddr,
    idle: Mutex<Vec<BufStream<TcpStream>>>,
    /// One more may be sent for each that was taken.
    window: Arc<Semaphore>,
}

impl Client {
    /// Mails, without keys.
    pub(crate) fn mail(vendor: SocketAddr, window: &Arc<Semaphore>) -> Self {
        let able = Capabilities::for_channel(ChannelId::EMAIL);
        Self::new("mail", able, vendor, window)
    }

    /// Text messages: the same key is the same message.
    pub(crate) fn text(vendor: SocketAddr, window: &Arc<Semaphore>) -> Self {
        let able = Capabilities::for_channel(ChannelId::SMS);
        let able = able.with_idempotency(Duration::from_secs(86_400));
        Self::new("text", able, vendor, window)
    }

    fn new(
        name: &'static str,
        able: Capabilities,
        vendor: SocketAddr,
        window: &Arc<Semaphore>,
    ) -> Self {
        Self {
            name: ProviderName::new(name),
            able,
            vendor,
            idle: Mutex::default(),
            window: Arc::clone(window),
        }
    }

    async fn connection(&self) -> io::Result<BufStream<TcpStream>> {
        let idle = self.idle.lock().expect("not poisoned").pop();
        match idle {
            Some(connection) => Ok(connection),
            None => {
                let stream = TcpStream::connect(self.vendor).await?;
                stream.set_nodelay(true)?;
                Ok(BufStream::new(stream))
            }
        }
    }
}

#[async_trait]
impl Provider for Client {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.able
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        if !self.able.serves(envelope.message.channel()) {
            return Err(Fault::request("wrong_channel"));
        }
        envelope.progress.connecting();
        let connected = self.connection().await;
        let mut connection = connected.map_err(|_| Fault::provider("connect"))?;
        envelope.progress.writing();
        let number = envelope.correlation_id.as_deref().unwrap_or("none");
        let line = format!("{} {number}", envelope.key);
        let answer = ask(&mut connection, &line).await;
        let answer = answer.map_err(|_| Fault::unknown("no_answer"))?;
        self.idle.lock().expect("not poisoned").push(connection);
        self.window.add_permits(1);
        Ok(Receipt::with_message_id(answer))
    }
}

/// Writes a line and waits for one.
async fn ask(connection: &mut BufStream<TcpStream>, line: &str) -> io::Result<String> {
    connection.write_all(format!("{line}\n").as_bytes()).await?;
    connection.flush().await?;
    let mut answer = String::new();
    if connection.read_line(&mut answer).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(answer.trim_end().to_owned())
}

/// One message that reached the vendor.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The key that a vendor goes by who takes keys: `<delivery>-<target>-<provider>`.
    pub(crate) key: String,
    pub(crate) number: Key,
}

/// The parent's side.
#[derive(Debug)]
pub(crate) struct Vendor {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    received: Mutex<Vec<Received>>,
    connected: watch::Sender<usize>,
    entropy: SeededEntropy,
}

impl Vendor {
    pub(crate) async fn new(seed: u64) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            connected: watch::Sender::new(0),
            entropy: SeededEntropy::new(seed),
        });
        let serving = Arc::clone(&shared);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.connected.send_modify(|count| *count += 1);
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    // A client that was killed is what this is about.
                    let _ = serve(&shared, stream).await;
                    shared.connected.send_modify(|count| *count -= 1);
                });
            }
        });
        Self {
            address,
            shared,
            listening,
        }
    }

    /// Everything that has come since this was asked last. When the client is dead: nothing comes after it.
    pub(crate) async fn take_all(&self) -> Vec<Received> {
        // Connections are accepted in the order in which they came, so that this one is the last.
        let stream = TcpStream::connect(self.address).await.expect("connected");
        let mut connection = BufStream::new(stream);
        ask(&mut connection, HELLO).await.expect("an answer");
        drop(connection);
        let mut connected = self.shared.connected.subscribe();
        let ended = connected.wait_for(|count| *count == 0).await;
        drop(ended.expect("the sender is there"));
        std::mem::take(&mut *self.shared.received.lock().expect("not poisoned"))
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Notes each line before it is answered: what was answered is known to have come.
async fn serve(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut connection = BufStream::new(stream);
    let mut line = String::new();
    while connection.read_line(&mut line).await? > 0 {
        // A line without its end was cut off by the kill: no vendor takes half a message.
        if let Some((key, number)) = line.strip_suffix('\n').and_then(|l| l.split_once(' ')) {
            let received = Received {
                key: key.to_owned(),
                number: number.parse().expect("a number of ours"),
            };
            shared.received.lock().expect("not poisoned").push(received);
            let time = SLOWEST.mul_f64(shared.entropy.fraction());
            SystemClock::new().sleep(time).await;
        }
        connection.write_all(b"taken\n").await?;
        connection.flush().await?;
        line.clear();
    }
    Ok(())
}
