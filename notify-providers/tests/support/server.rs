//! An SMTP server that does what a test tells it, over real sockets.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// What to do instead of the usual reply.
#[derive(Clone, Debug)]
pub enum Act {
    /// Write these bytes; a line end is added where none is.
    Reply(String),
    /// Write these bytes and close.
    ReplyAndClose(String),
    /// Write these bytes, and read no more.
    ReplyAndStall(String),
    /// Write these bytes, and those as soon as the semaphore gives a permit, and a permit to the second semaphore then.
    ReplyAndLater(String, String, Arc<Semaphore>, Arc<Semaphore>),
    /// Close without a word.
    Close,
    /// Keep the connection and never answer.
    Hang,
    /// Answer as usual, but only together with the next reply.
    Defer,
    /// Answer as usual, as soon as the semaphore gives a permit.
    Wait(Arc<Semaphore>),
}

/// One command, and where it came.
#[derive(Debug)]
pub struct Command<'a> {
    /// `GREETING`, `EHLO`, `STARTTLS`, `AUTH`, `ANSWER` (to a challenge), `MAIL`, `RCPT`, `DATA`,
    /// `BODY`, `RSET`, `QUIT`.
    pub verb: &'a str,
    /// The whole line; empty for `GREETING` and `BODY`.
    pub line: &'a str,
    /// Which connection, from 0.
    pub connection: usize,
    /// How many commands of this verb came before on this server.
    pub nth: usize,
    /// Whether more came with it: the client did not wait for the reply.
    pub more: bool,
}

/// A mail that was taken, or was being written when the connection ended.
#[derive(Clone, Debug)]
pub struct Received {
    pub from: String,
    pub to: Vec<String>,
    /// Dots undone, without the final one.
    pub data: Vec<u8>,
    pub connection: usize,
    pub encrypted: bool,
}

type Script = dyn Fn(&Command<'_>) -> Option<Act> + Send + Sync;

/// How a server behaves.
pub struct Options {
    extensions: Vec<String>,
    tls: Option<(Arc<ServerConfig>, bool)>,
    script: Box<Script>,
}

/// A running server; it ends when this is dropped.
pub struct Server {
    pub address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    options: Options,
    mails: Mutex<Vec<Received>>,
    lines: Mutex<Vec<(usize, String)>>,
    counts: Mutex<HashMap<String, usize>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    peak: AtomicUsize,
}

impl Options {
    pub fn new() -> Self {
        let extensions = ["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 10000000"]
            .map(str::to_owned)
            .to_vec();
        Self {
            extensions,
            tls: None,
            script: Box::new(|_| None),
        }
    }

    /// Says these words after `EHLO`; `STARTTLS` is added where there is TLS.
    pub fn extensions(mut self, extensions: &[&str]) -> Self {
        self.extensions = extensions.iter().map(|e| (*e).to_owned()).collect();
        self
    }

    pub fn starttls(mut self, config: Arc<ServerConfig>) -> Self {
        self.tls = Some((config, false));
        self
    }

    pub fn implicit_tls(mut self, config: Arc<ServerConfig>) -> Self {
        self.tls = Some((config, true));
        self
    }

    /// Asks this before each usual reply.
    pub fn script(
        mut self,
        script: impl Fn(&Command<'_>) -> Option<Act> + Send + Sync + 'static,
    ) -> Self {
        self.script = Box::new(script);
        self
    }

    pub async fn start(self) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            options: self,
            mails: Mutex::default(),
            lines: Mutex::default(),
            counts: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut serving = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                let connection = state.connections.fetch_add(1, Ordering::SeqCst);
                serving.spawn(async move {
                    let open = state.open.fetch_add(1, Ordering::SeqCst) + 1;
                    state.peak.fetch_max(open, Ordering::SeqCst);
                    stream.set_nodelay(true).expect("nodelay");
                    match &state.options.tls {
                        Some((config, true)) => {
                            if let Ok(stream) =
                                TlsAcceptor::from(Arc::clone(config)).accept(stream).await
                            {
                                let _ = Conversation::new(&state, connection, stream, true)
                                    .run()
                                    .await;
                            }
                        }
                        Some((config, false)) => {
                            let plain = Conversation::new(&state, connection, stream, false)
                                .run()
                                .await;
                            if let Some(stream) = plain
                                && let Ok(stream) =
                                    TlsAcceptor::from(Arc::clone(config)).accept(stream).await
                            {
                                let mut encrypted =
                                    Conversation::new(&state, connection, stream, true);
                                encrypted.greeted = true;
                                let _ = encrypted.run().await;
                            }
                        }
                        None => {
                            let _ = Conversation::new(&state, connection, stream, false)
                                .run()
                                .await;
                        }
                    }
                    state.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Server {
            address,
            state,
            task,
        }
    }
}

impl Server {
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The mails whose final dot arrived and that were taken.
    pub fn mails(&self) -> Vec<Received> {
        self.state.mails.lock().expect("not poisoned").clone()
    }

    /// Every line that came outside of mails.
    pub fn lines(&self) -> Vec<String> {
        self.state
            .lines
            .lock()
            .expect("not poisoned")
            .iter()
            .map(|(_, line)| line.clone())
            .collect()
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many connections were open at the same time, at most.
    pub fn peak(&self) -> usize {
        self.state.peak.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Conversation<'a, S> {
    state: &'a State,
    connection: usize,
    stream: BufReader<S>,
    encrypted: bool,
    greeted: bool,
    deferred: String,
    from: String,
    to: Vec<String>,
}

/// How a conversation goes on.
enum Next {
    Go,
    Stop,
    Encrypt,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Conversation<'a, S> {
    fn new(state: &'a State, connection: usize, stream: S, encrypted: bool) -> Self {
        Self {
            state,
            connection,
            stream: BufReader::new(stream),
            encrypted,
            greeted: false,
            deferred: String::new(),
            from: String::new(),
            to: Vec::new(),
        }
    }

    /// Until the client leaves; gives the stream back when it is to be encrypted.
    async fn run(mut self) -> Option<S> {
        if !self.greeted
            && !matches!(
                self.answer("GREETING", "", "220 test ESMTP").await,
                Next::Go
            )
        {
            return None;
        }
        loop {
            let mut line = Vec::new();
            match self.stream.read_until(b'\n', &mut line).await {
                Ok(n) if n > 0 => {}
                _ => return None,
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            self.state
                .lines
                .lock()
                .expect("not poisoned")
                .push((self.connection, line.clone()));
            match self.command(&line).await {
                Next::Go => {}
                Next::Stop => return None,
                Next::Encrypt => {
                    assert!(
                        self.stream.buffer().is_empty(),
                        "the client must not write before the handshake"
                    );
                    return Some(self.stream.into_inner());
                }
            }
        }
    }

    async fn command(&mut self, line: &str) -> Next {
        let verb = line
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => {
                let offers_tls =
                    !self.encrypted && matches!(self.state.options.tls, Some((_, false)));
                let mut words = vec!["test".to_owned()];
                words.extend(self.state.options.extensions.iter().cloned());
                if offers_tls {
                    words.push("STARTTLS".to_owned());
                }
                let last = words.len() - 1;
                let reply: Vec<String> = words
                    .iter()
                    .enumerate()
                    .map(|(i, word)| format!("250{}{word}", if i == last { ' ' } else { '-' }))
                    .collect();
                self.answer("EHLO", line, &reply.join("\r\n")).await
            }
            "STARTTLS" => match self.answer("STARTTLS", line, "220 go ahead").await {
                Next::Go => Next::Encrypt,
                other => other,
            },
            "AUTH" => self.answer("AUTH", line, "235 2.7.0 welcome").await,
            "MAIL" if !self.from.is_empty() => {
                self.answer("NESTED", line, "503 5.5.1 nested MAIL command")
                    .await
            }
            "MAIL" => {
                let act = self.ask("MAIL", line);
                self.to.clear();
                self.from = if takes(act.as_ref()) {
                    between(line)
                } else {
                    String::new()
                };
                self.perform(act, "250 2.1.0 ok").await
            }
            "RCPT" => {
                let act = self.ask("RCPT", line);
                if takes(act.as_ref()) {
                    self.to.push(between(line));
                }
                self.perform(act, "250 2.1.5 ok").await
            }
            "DATA" => self.data(line).await,
            "RSET" => {
                self.from.clear();
                self.answer("RSET", line, "250 2.0.0 ok").await
            }
            "QUIT" => {
                self.answer("QUIT", line, "221 2.0.0 bye").await;
                Next::Stop
            }
            _ => self.answer("ANSWER", line, "500 5.5.2 what").await,
        }
    }

    async fn data(&mut self, line: &str) -> Next {
        let asked = self.ask("DATA", line);
        let refuses = matches!(&asked, Some(Act::Reply(text)) if !text.starts_with("354"));
        match self.perform(asked, "354 go ahead").await {
            Next::Go if refuses => return Next::Go,
            Next::Go => {}
            other => return other,
        }
        let mut data = Vec::new();
        loop {
            let start = data.len();
            match self.stream.read_until(b'\n', &mut data).await {
                Ok(n) if n > 0 => {}
                _ => return Next::Stop,
            }
            if &data[start..] == b".\r\n" {
                data.truncate(start);
                break;
            }
            if data[start] == b'.' {
                data.remove(start);
            }
        }
        let asked = self.ask("BODY", "");
        let (from, to) = (std::mem::take(&mut self.from), std::mem::take(&mut self.to));
        if takes(asked.as_ref()) && !to.is_empty() {
            let (connection, encrypted) = (self.connection, self.encrypted);
            let mail = Received {
                from,
                to,
                data,
                connection,
                encrypted,
            };
            self.state.mails.lock().expect("not poisoned").push(mail);
        }
        self.perform(asked, "250 2.0.0 queued").await
    }

    fn ask(&self, verb: &str, line: &str) -> Option<Act> {
        let mut counts = self.state.counts.lock().expect("not poisoned");
        let nth = counts.entry(verb.to_owned()).or_insert(0);
        let act = (self.state.options.script)(&Command {
            verb,
            line,
            connection: self.connection,
            nth: *nth,
            more: !self.stream.buffer().is_empty(),
        });
        *nth += 1;
        act
    }

    async fn answer(&mut self, verb: &str, line: &str, usual: &str) -> Next {
        let act = self.ask(verb, line);
        self.perform(act, usual).await
    }

    async fn perform(&mut self, act: Option<Act>, usual: &str) -> Next {
        let (text, next) = match act {
            None => (usual.to_owned(), Next::Go),
            Some(Act::Reply(text)) => (text, Next::Go),
            Some(Act::ReplyAndClose(text)) => (text, Next::Stop),
            Some(Act::ReplyAndStall(text)) => {
                let _ = self
                    .stream
                    .get_mut()
                    .write_all(format!("{text}\r\n").as_bytes())
                    .await;
                std::future::pending().await
            }
            Some(Act::ReplyAndLater(text, later, gate, done)) => {
                let _ = self.stream.get_mut().write_all(text.as_bytes()).await;
                gate.acquire().await.expect("not closed").forget();
                let _ = self.stream.get_mut().write_all(later.as_bytes()).await;
                done.add_permits(1);
                return Next::Go;
            }
            Some(Act::Close) => return Next::Stop,
            Some(Act::Hang) => {
                // Until the client gives up.
                let mut rest = Vec::new();
                let _ = self.stream.read_to_end(&mut rest).await;
                return Next::Stop;
            }
            Some(Act::Defer) => {
                self.deferred.push_str(usual);
                self.deferred.push_str("\r\n");
                return Next::Go;
            }
            Some(Act::Wait(permits)) => {
                permits.acquire().await.expect("not closed").forget();
                (usual.to_owned(), Next::Go)
            }
        };
        let mut reply = std::mem::take(&mut self.deferred);
        reply.push_str(&text);
        if !reply.ends_with('\n') {
            reply.push_str("\r\n");
        }
        let written = self
            .stream
            .get_mut()
            .write_all(reply.as_bytes())
            .await
            .is_ok()
            && self.stream.get_mut().flush().await.is_ok();
        if written { next } else { Next::Stop }
    }
}

/// Whether the server says yes.
fn takes(act: Option<&Act>) -> bool {
    match act {
        Some(Act::Reply(text) | Act::ReplyAndClose(text)) => text.starts_with('2'),
        Some(Act::Hang) => false,
        _ => true,
    }
}

/// What stands between the angle brackets.
fn between(line: &str) -> String {
    line.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(path, _)| path.to_owned())
        .unwrap_or_default()
}
