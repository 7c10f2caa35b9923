//! Messages written to files instead of being sent.

use async_trait::async_trait;
use notify_core::channel::Mailbox;
use notify_core::clock::{Clock, SystemClock, Timestamp};
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::{ChannelId, ProviderName, Result};
use serde_json::{Value, json};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::content::content;
use crate::dsn::{decode, error, parameters_of, read, split, unknown_parameter};
use crate::mime::{Defaults, Mail, compose, stable_name};

/// Writes each message to a file, for development and for tests of whole applications.
///
/// In a directory, each mail is `<key>.eml`, which mail programs open, and each message of another
/// channel is `<key>.json`. A file is whole or absent: it is written under another name, flushed to
/// the disk and renamed. A second attempt with the same key replaces the first, so keys are
/// honoured as long as the files are kept.
///
/// An mbox file takes mails only, and every attempt: it has no way to find the first.
///
/// Files hold addresses and content. `Debug` shows the path.
///
/// ```
/// use notify_core::channel::EmailMessage;
/// use notify_core::provider::{Envelope, Provider as _};
/// use notify_core::{Address, ChannelId, Message};
/// use notify_providers::file::FileProvider;
///
/// # let directory = tempfile::tempdir()?;
/// let provider = FileProvider::directory(directory.path()).and_channel(ChannelId::SMS);
/// let mail = Message::new(EmailMessage::new("Greetings", "hello"));
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// provider.send(&Envelope::new("key-1", Address::email("ada@example.com"), mail)).await
/// # })?;
/// assert!(directory.path().join("key-1.eml").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileProvider {
    name: ProviderName,
    capabilities: Capabilities,
    target: Target,
    defaults: Defaults,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Debug)]
enum Target {
    Directory(PathBuf),
    Mbox(PathBuf),
}

/// How long keys are honoured: as long as the files are there, for which there is no word but a
/// long time.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Tells temporary files of one process apart.
static WRITES: AtomicU64 = AtomicU64::new(0);

impl FileProvider {
    /// Writes each mail to a file of its own in this directory, which must exist.
    #[must_use]
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self::new(
            Target::Directory(path.into()),
            Capabilities::for_channel(ChannelId::EMAIL).with_idempotency(A_YEAR),
        )
    }

    /// Appends each mail to this mbox file (RFC 4155, with `>From` quoting), which is made when it
    /// does not exist.
    #[must_use]
    pub fn mbox(path: impl Into<PathBuf>) -> Self {
        Self::new(
            Target::Mbox(path.into()),
            Capabilities::for_channel(ChannelId::EMAIL),
        )
    }

    /// A provider from one line: `file:///var/spool/mails?channels=sms,push&from=app@example.com&name=file`, or
    /// `file:///var/spool/mails.mbox?format=mbox`. All parameters may be missing; `channels` are those beside mail.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong.
    pub fn from_url(url: &str) -> Result<Self> {
        let (_, path, query) = split(url);
        let path = decode("path", path)?;
        if path.is_empty() {
            return Err(error("path", "is missing"));
        }
        let is_mbox = parameters_of(query).any(|parameter| parameter == ("format", "mbox"));
        let mut provider = if is_mbox {
            Self::mbox(path)
        } else {
            Self::directory(path)
        };
        for (name, value) in parameters_of(query) {
            provider = match (name, value) {
                ("channels", _) if is_mbox => return Err(error("channels", "are not for an mbox")),
                ("channels", channels) => {
                    let channels = decode("channels", channels)?;
                    channels
                        .split(',')
                        .filter(|channel| !channel.is_empty())
                        .map(ChannelId::parse)
                        .fold(provider, Self::and_channel)
                }
                ("format", "mbox") => provider,
                ("from", from) => provider.with_from(read("from", from)?),
                ("name", name) if !name.is_empty() => provider.with_name(decode("name", name)?),
                _ => return Err(unknown_parameter()),
            };
        }
        Ok(provider)
    }

    fn new(target: Target, capabilities: Capabilities) -> Self {
        let from = Mailbox::new("", "notify@localhost").expect("notify@localhost is a mailbox");
        let clock = Arc::new(SystemClock::new());
        Self {
            name: ProviderName::new("file"),
            capabilities,
            target,
            defaults: Defaults {
                from,
                reply_to: None,
            },
            clock,
        }
    }

    /// Takes messages of this channel too, as JSON. An mbox holds mails only: there it changes nothing.
    #[must_use]
    pub fn and_channel(mut self, channel: impl Into<ChannelId>) -> Self {
        if matches!(self.target, Target::Directory(_)) {
            self.capabilities = self.capabilities.and_channel(channel);
        }
        self
    }

    /// Its name, unique in the application. Default: `file`.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<ProviderName>) -> Self {
        self.name = name.into();
        self
    }

    /// Whom mails are from, where they do not say. Default: `notify@localhost`.
    #[must_use]
    pub fn with_from(mut self, from: Mailbox) -> Self {
        self.defaults.from = from;
        self
    }

    /// Where the time in mails comes from. Default: the host's clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

#[async_trait]
impl Provider for FileProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let (task, id) = self.prepare(envelope)?;
        envelope.progress.connecting();
        // Marked before the thread begins: once it runs, dropping this call does not stop it.
        envelope.progress.writing();
        match tokio::task::spawn_blocking(move || task.run()).await {
            Ok(Ok(())) => Ok(Receipt::with_message_id(id)),
            Ok(Err(error)) => Err(fault_of(&error)),
            Err(_) => Err(Fault::unknown("task")),
        }
    }
}

/// What is to be written where.
enum Task {
    Append(PathBuf, Vec<u8>),
    Replace(PathBuf, Vec<u8>),
}

impl Task {
    fn run(self) -> io::Result<()> {
        match self {
            Self::Append(path, bytes) => append(&path, &bytes),
            Self::Replace(path, bytes) => replace(&path, &bytes),
        }
    }
}

impl FileProvider {
    /// What to write for a message, and its id.
    fn prepare(&self, envelope: &Envelope) -> Result<(Task, String), Fault> {
        let content = content(&envelope.message, &self.capabilities)?;
        let name = stable_name(&envelope.key);
        let now = self.clock.now();
        let is_mail = *envelope.message.channel() == ChannelId::EMAIL;
        match &self.target {
            Target::Mbox(path) => {
                let mail = compose(envelope, &self.defaults, now)?;
                Ok((
                    Task::Append(path.clone(), entry(&mail, now)),
                    mail.message_id,
                ))
            }
            Target::Directory(path) if is_mail => {
                let mail = compose(envelope, &self.defaults, now)?;
                let file = path.join(format!("{name}.eml"));
                Ok((Task::Replace(file, mail.bytes), mail.message_id))
            }
            Target::Directory(path) => {
                let document = document(envelope, &content);
                let file = path.join(format!("{name}.json"));
                Ok((Task::Replace(file, document.into_bytes()), name))
            }
        }
    }
}

/// What is known of a message that is no mail.
fn document(envelope: &Envelope, content: &Value) -> String {
    let address = &envelope.address;
    let document = json!({
        "address": { "scheme": address.scheme().as_str(), "value": address.expose() },
        "category": envelope.category.as_str(),
        "channel": envelope.message.channel().as_str(),
        "class": envelope.class.as_str(),
        "content": content,
        "delivery": envelope.delivery.to_string(),
        "key": &*envelope.key,
        "notification": envelope.notification.to_string(),
        "tenant": envelope.tenant.as_str(),
    });
    format!("{document:#}\n")
}

/// The file has the old content or the new one at any time, also after a crash.
fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let number = WRITES.fetch_add(1, Ordering::Relaxed);
    let temporary = file.with_extension(format!("tmp-{}-{number}", std::process::id()));
    let written = File::create_new(&temporary)
        .and_then(|mut out| out.write_all(bytes).and_then(|()| out.sync_all()))
        .and_then(|()| fs::rename(&temporary, file));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// In one write, so that two processes do not mix their mails up.
fn append(path: &Path, entry: &[u8]) -> io::Result<()> {
    let mut out = OpenOptions::new().create(true).append(true).open(path)?;
    out.write_all(entry)?;
    out.sync_all()
}

/// One mail of an mbox: a line that begins it, lines ending in LF, `From ` quoted, and an empty
/// line (RFC 4155, `mboxrd`).
fn entry(mail: &Mail, now: Timestamp) -> Vec<u8> {
    let mut out = format!("From {} {}\n", mail.sender.as_str(), asctime(now)).into_bytes();
    for line in mail.bytes.split_inclusive(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        let quotes = line.iter().take_while(|b| **b == b'>').count();
        if line[quotes..].starts_with(b"From ") {
            out.push(b'>');
        }
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
    out
}

/// `Thu Jan  1 00:00:00 1970`, made of the form that mails use.
fn asctime(now: Timestamp) -> String {
    let date = crate::mime::date(now);
    match date
        .split([' ', ','])
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()[..]
    {
        [weekday, day, month, year, time, ..] => format!(
            "{weekday} {month} {:>2} {time} {year}",
            day.trim_start_matches('0')
        ),
        _ => date,
    }
}

/// A full disk passes, a missing directory does not.
fn fault_of(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Fault::provider("full"),
        io::ErrorKind::NotFound
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::IsADirectory => Fault::config("path"),
        _ => Fault::provider("io"),
    }
}
