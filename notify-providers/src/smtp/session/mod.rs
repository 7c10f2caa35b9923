//! One connection: opening it, and sending mails over it one after another.
//!
//! Our own and not lettre's: lettre 0.11 waits for each reply before the next command, keeps what a
//! server sent before the TLS handshake (a man in the middle can put words into the server's
//! mouth), and reads lines without a limit.

mod transaction;

pub(super) use transaction::Failure;

use notify_core::clock::Monotonic;
use notify_core::provider::Fault;
use std::io;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::auth::Credentials;
use super::fault::{Stage, fault_of};
use super::reply::{NoReply, Replies, Reply};
use super::stream::Stream;
use super::tls::Tls;

/// Where to connect, and as whom.
pub(super) struct Endpoint {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) protection: Protection,
    pub(super) credentials: Option<Credentials>,
    pub(super) hello: Option<String>,
}

/// How the connection is protected; what is needed for it is part of the choice, so that none can
/// end up in plain text by mistake.
pub(super) enum Protection {
    /// TLS from the first byte (RFC 8314 §3.3).
    Implicit(Tls),
    /// Upgraded by `STARTTLS` (RFC 3207); a server that does not offer it is refused.
    StartTls(Tls),
    /// Not at all.
    None,
}

/// What the server said it can do, in its answer to `EHLO` (RFC 5321 §4.1.1.1).
#[derive(Debug, Default)]
struct Extensions {
    pipelining: bool,
    eight_bit: bool,
    utf8: bool,
    starttls: bool,
    /// The largest mail in bytes; `None` where it does not say (RFC 1870).
    size: Option<u64>,
    announces_size: bool,
    auth: Vec<String>,
}

/// A connection that is past greeting, TLS and authentication.
pub(super) struct Session {
    stream: Stream,
    replies: Replies,
    extensions: Extensions,
    /// A transaction was opened and refused: the next one begins with `RSET`.
    open_transaction: bool,
    /// The last reply was complete and expected: the connection can take another mail.
    usable: bool,
    pub(super) mails: u32,
    pub(super) idle_since: Monotonic,
}

impl Session {
    /// Connects, greets, encrypts and authenticates.
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self, Fault> {
        let connect = TcpStream::connect((endpoint.host.as_str(), endpoint.port));
        let stream = connect.await.map_err(|_| Fault::provider("connect"))?;
        // Commands are small and wait for replies: with Nagle's algorithm each would wait for a
        // delayed acknowledgement, 40 ms.
        stream
            .set_nodelay(true)
            .map_err(|_| Fault::provider("connect"))?;
        let hello = match &endpoint.hello {
            Some(name) => name.clone(),
            None => stream
                .local_addr()
                .map_or_else(|_| "[127.0.0.1]".to_owned(), address_literal),
        };
        let stream = match &endpoint.protection {
            Protection::Implicit(tls) => Stream::Encrypted(Box::new(tls.connect(stream).await?)),
            Protection::StartTls(_) | Protection::None => Stream::Plain(stream),
        };
        let mut session = Self {
            stream,
            replies: Replies::default(),
            extensions: Extensions::default(),
            open_transaction: false,
            usable: false,
            mails: 0,
            idle_since: Monotonic::default(),
        };
        session.expect(Stage::Greeting, 220).await?;
        session.hello(&hello).await?;
        if let Protection::StartTls(tls) = &endpoint.protection {
            session = session.start_tls(tls, &hello).await?;
        }
        if let Some(credentials) = &endpoint.credentials {
            session.authenticate(credentials).await?;
        }
        session.usable = true;
        Ok(session)
    }

    /// Whether another mail can go over this connection.
    pub(super) fn is_usable(&self) -> bool {
        self.usable && !self.replies.has_leftover()
    }

    /// Whether the server is still there and silent, as far as can be told without asking.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.stream.is_quiet()
    }

    /// Takes leave and closes, without waiting for anything.
    pub(super) fn close(mut self) {
        if self.is_usable() {
            self.stream.write_without_waiting(b"QUIT\r\n");
        }
    }

    async fn hello(&mut self, name: &str) -> Result<(), Fault> {
        self.send(&format!("EHLO {name}\r\n")).await?;
        let reply = self.expect(Stage::Hello, 250).await?;
        self.extensions = Extensions::of(&reply.text);
        Ok(())
    }

    /// Encrypts the connection (RFC 3207). A server that does not offer it is refused: someone may
    /// have taken the offer out.
    async fn start_tls(mut self, tls: &Tls, hello: &str) -> Result<Self, Fault> {
        if !self.extensions.starttls {
            return Err(Fault::config("starttls_missing"));
        }
        self.send("STARTTLS\r\n").await?;
        self.expect(Stage::StartTls, 220).await?;
        if self.replies.has_leftover() {
            // Anything after this reply came unencrypted and would be read as if it had come from
            // the authenticated server.
            return Err(Fault::config("starttls_injection"));
        }
        let Stream::Plain(stream) = self.stream else {
            return Err(Fault::config("starttls_twice"));
        };
        self.stream = Stream::Encrypted(Box::new(tls.connect(stream).await?));
        self.extensions = Extensions::default();
        self.hello(hello).await?;
        Ok(self)
    }

    async fn authenticate(&mut self, credentials: &Credentials) -> Result<(), Fault> {
        let mechanism = credentials
            .mechanism(&self.extensions.auth)
            .ok_or_else(|| Fault::config("auth_missing"))?;
        let mut reply = Reply {
            code: 334,
            text: String::new(),
        };
        for line in credentials.lines(mechanism) {
            if reply.code == 334 {
                self.send(&line).await?;
                reply = self.reply().await?;
            }
        }
        if reply.code == 334 {
            // XOAUTH2 explains a refusal in a challenge, and refuses after an empty answer.
            self.send("\r\n").await?;
            reply = self.reply().await?;
        }
        if reply.code == 235 {
            Ok(())
        } else {
            Err(refusal(Stage::Auth, &reply, false))
        }
    }

    async fn send(&mut self, command: &str) -> Result<(), Fault> {
        self.write(command.as_bytes())
            .await
            .map_err(|_| Fault::provider("connect"))
    }

    async fn reply(&mut self) -> Result<Reply, Fault> {
        self.replies
            .next(&mut self.stream)
            .await
            .map_err(|lost| match lost {
                NoReply::Closed | NoReply::Io(_) => Fault::provider("connect"),
                NoReply::Malformed => Fault::provider("bad_reply"),
            })
    }

    async fn expect(&mut self, stage: Stage, code: u16) -> Result<Reply, Fault> {
        let reply = self.reply().await?;
        if reply.code == code {
            Ok(reply)
        } else {
            Err(refusal(stage, &reply, false))
        }
    }

    /// Writes and flushes: one write is one packet, for the socket does not wait for more.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }
}

impl Extensions {
    fn of(text: &str) -> Self {
        let mut extensions = Self::default();
        for line in text.lines().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("PIPELINING") => extensions.pipelining = true,
                Some("8BITMIME") => extensions.eight_bit = true,
                Some("SMTPUTF8") => extensions.utf8 = true,
                Some("STARTTLS") => extensions.starttls = true,
                Some("SIZE") => {
                    extensions.announces_size = true;
                    extensions.size = words
                        .next()
                        .and_then(|size| size.parse().ok())
                        .filter(|size| *size > 0);
                }
                Some("AUTH") => extensions.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        extensions
    }
}

/// A reply that is not the one that was hoped for. A positive one in the wrong place is the
/// server's confusion.
fn refusal(stage: Stage, reply: &Reply, own_sender: bool) -> Fault {
    if reply.code < 400 {
        Fault::provider("bad_reply")
    } else {
        fault_of(stage, reply.code, &reply.text, own_sender)
    }
}

/// `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3): the name of a host that has none.
fn address_literal(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => format!("[{}]", address.ip()),
        SocketAddr::V6(address) => format!("[IPv6:{}]", address.ip()),
    }
}
