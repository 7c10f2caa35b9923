//! A mail server for trying things out: speaks SMTP on loopback, keeps each mail as a file, refuses on demand.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::fs;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, BufWriter};
use tokio::net::{TcpListener, TcpStream};

/// A mail server on a free port of this host. It serves until the program ends.
#[derive(Debug)]
pub struct SmtpSink {
    address: SocketAddr,
    mailroom: Arc<Mailroom>,
}

#[derive(Debug)]
struct Mailroom {
    folder: PathBuf,
    taken: AtomicUsize,
    /// What is answered to mail for an address, and how many times.
    refusals: Mutex<HashMap<String, (String, usize)>>,
}

impl SmtpSink {
    /// Opens the server. Each mail becomes `<folder>/<domain>/<name>-<message id>.eml`.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mailroom = Mailroom {
            folder: folder.into(),
            taken: AtomicUsize::new(0),
            refusals: Mutex::default(),
        };
        let mailroom = Arc::new(mailroom);
        let visitors = Arc::clone(&mailroom);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that hangs up in the middle of a mail keeps its mail.
                let visitors = Arc::clone(&visitors);
                tokio::spawn(async move { visitors.serve(stream).await });
            }
        });
        Ok(Self { address, mailroom })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many mails it took.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.mailroom.taken.load(Ordering::Relaxed)
    }

    /// Answers mail for this address with `reply`, such as `451 4.3.0 try again later`, so many times.
    pub fn refuse(&self, mailbox: &str, reply: &str, times: usize) {
        self.mailroom
            .refusals()
            .insert(mailbox.to_owned(), (reply.to_owned(), times));
    }

    /// Takes mail for this address from now on.
    pub fn accept(&self, mailbox: &str) {
        self.mailroom.refusals().remove(mailbox);
    }
}

impl Mailroom {
    fn refusals(&self) -> MutexGuard<'_, HashMap<String, (String, usize)>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reply to `RCPT TO:<mailbox>`.
    fn answer(&self, mailbox: &str) -> Result<(), String> {
        match self.refusals().get_mut(mailbox) {
            Some((reply, left)) if *left > 0 => {
                *left -= 1;
                Err(reply.clone())
            }
            _ => Ok(()),
        }
    }

    /// One connection, RFC 5321 as far as a client needs it.
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let (mut reader, mut writer) = (BufReader::new(reader), BufWriter::new(writer));
        let (mut line, mut recipient) = (Vec::new(), None);
        writer.write_all(b"220 sink.example ESMTP\r\n").await?;
        loop {
            // Commands that came together are answered together.
            if reader.buffer().is_empty() {
                writer.flush().await?;
            }
            line.clear();
            if reader.read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            let command = String::from_utf8_lossy(&line);
            let verb = command
                .split([' ', '\r', '\n'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            let reply = match (verb.as_str(), &recipient) {
                ("EHLO", _) => {
                    "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8".to_owned()
                }
                ("HELO" | "MAIL" | "NOOP" | "RSET", _) => {
                    recipient = None;
                    "250 2.0.0 fine".to_owned()
                }
                ("RCPT", _) => {
                    let mailbox = between(&command, '<', '>').to_owned();
                    match self.answer(&mailbox) {
                        Ok(()) => {
                            recipient = Some(mailbox);
                            "250 2.1.5 fine".to_owned()
                        }
                        Err(refusal) => refusal,
                    }
                }
                ("DATA", Some(mailbox)) => {
                    writer
                        .write_all(b"354 go on, and end with a dot\r\n")
                        .await?;
                    writer.flush().await?;
                    let mail = receive(&mut reader).await?;
                    // Who is answered 250 need not keep the mail: so it is written first.
                    self.keep(mailbox, &mail).await?;
                    "250 2.0.0 taken".to_owned()
                }
                ("DATA", None) => "503 5.5.1 nobody to give it to".to_owned(),
                ("QUIT", _) => {
                    writer.write_all(b"221 2.0.0 goodbye\r\n").await?;
                    return writer.flush().await;
                }
                _ => "502 5.5.1 not known here".to_owned(),
            };
            writer.write_all(reply.as_bytes()).await?;
            writer.write_all(b"\r\n").await?;
        }
    }

    async fn keep(&self, mailbox: &str, mail: &[u8]) -> io::Result<()> {
        let (name, domain) = mailbox.rsplit_once('@').unwrap_or((mailbox, "nowhere"));
        let id = message_id(mail).unwrap_or_else(|| "without-id".to_owned());
        let folder = self.folder.join(plain(domain));
        let file = folder.join(format!("{}-{}.eml", plain(name), plain(&id)));
        if let Err(error) = fs::write(&file, mail).await {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            fs::create_dir_all(&folder).await?;
            fs::write(&file, mail).await?;
        }
        self.taken.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// The lines up to the one that is a dot; a dot at the beginning of a line was doubled by the client.
async fn receive(reader: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut mail = Vec::new();
    loop {
        let start = mail.len();
        if reader.read_until(b'\n', &mut mail).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if &mail[start..] == b".\r\n" {
            mail.truncate(start);
            return Ok(mail);
        }
        if mail[start] == b'.' {
            mail.remove(start);
        }
    }
}

/// The part of `Message-ID: <…@…>` before the `@`.
fn message_id(mail: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(mail);
    let line = head
        .lines()
        .take_while(|line| !line.is_empty())
        .find(|line| line.starts_with("Message-ID:"))?;
    between(line, '<', '@').to_owned().into()
}

fn between(text: &str, from: char, to: char) -> &str {
    let text = text.split_once(from).map_or(text, |(_, rest)| rest);
    text.split_once(to).map_or(text, |(inside, _)| inside)
}

/// Fit for the name of a file.
fn plain(text: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || "+-_.".contains(c);
    text.trim_matches('.')
        .chars()
        .map(|c| if fine(c) { c } else { '_' })
        .collect()
}
