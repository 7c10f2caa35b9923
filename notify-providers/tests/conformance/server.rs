//! The SMTP provider in front of a server that answers as it is told; by itself, and inside of `Staging`.

use super::support::certificate::{Authority, Flaw};
use super::support::server::{Act, Command, Options, Server};
use super::{fresh_address, mail};
use async_trait::async_trait;
use notify_core::provider::Provider;
use notify_core::testkit::{Answer, ProviderHarness};
use notify_core::{Address, Message};
use notify_providers::smtp::{Credentials, SmtpProvider, SmtpSecurity};
use notify_providers::staging::Staging;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use tokio::sync::oneshot;

const USER: &str = "app-login";
const PASSWORD: &str = "correct horse battery";

/// What the server is to do, and what it was asked.
#[derive(Default)]
struct Book {
    script: VecDeque<Answer>,
    /// What each connection does with its present mail, and to whom that goes.
    present: HashMap<usize, (Answer, String)>,
    /// Connections over which a mail was begun.
    begun: HashSet<usize>,
    asked: usize,
    taken: Vec<String>,
}

impl Book {
    /// The server's answer to one command; `None` is the usual one.
    fn act(&mut self, command: &Command<'_>) -> Option<Act> {
        let reply = |text: &str| Some(Act::Reply(text.to_owned()));
        let connection = command.connection;
        match command.verb {
            "AUTH" if self.script.front() == Some(&Answer::BadCredentials) => {
                self.script.pop_front();
                self.asked += 1;
                reply("535 5.7.8 authentication failed")
            }
            "MAIL" if self.script.front() == Some(&Answer::Unreachable) => {
                // A client may find that a connection it kept is closed, and open another one.
                if self.begun.insert(connection) {
                    self.script.pop_front();
                }
                Some(Act::Close)
            }
            "MAIL" => {
                self.begun.insert(connection);
                self.asked += 1;
                let answer = self.script.pop_front().unwrap_or(Answer::Accept);
                self.present.insert(connection, (answer, String::new()));
                if answer == Answer::BadCredentials {
                    reply("530 5.7.0 authenticate")
                } else {
                    None
                }
            }
            "RCPT" => {
                let (answer, to) = self.present.get_mut(&connection)?;
                let path = command.line.split(['<', '>']).nth(1);
                *to = path.unwrap_or_default().to_owned();
                match answer {
                    Answer::RejectRecipient => reply("550 5.1.1 no such user"),
                    Answer::RateLimit(_) => reply("451 4.7.1 slow down"),
                    _ => None,
                }
            }
            "BODY" => {
                let (answer, to) = self.present.remove(&connection)?;
                if matches!(
                    answer,
                    Answer::Accept | Answer::CutAfterWrite | Answer::Nonsense
                ) {
                    self.taken.push(to);
                }
                match answer {
                    Answer::CutAfterWrite => Some(Act::Close),
                    Answer::Hang => Some(Act::Hang),
                    Answer::Nonsense => reply("lorem ipsum"),
                    Answer::Outage => reply("451 4.3.2 out of order"),
                    Answer::RejectRequest => reply("554 5.6.0 not this content"),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

struct Smtp {
    provider: Arc<dyn Provider>,
    book: Arc<Mutex<Book>>,
    /// Ends the server's thread when it is dropped.
    _running: oneshot::Sender<()>,
}

impl Smtp {
    fn new(security: SmtpSecurity, extensions: &'static [&'static str]) -> Self {
        let authority = Authority::new();
        let certificate = authority.issue(Flaw::None).server_config();
        let book: Arc<Mutex<Book>> = Arc::default();
        let shared = Arc::clone(&book);
        let options = Options::new()
            .extensions(extensions)
            .script(move |command| shared.lock().expect("not poisoned").act(command));
        let options = match security {
            SmtpSecurity::Tls => options.implicit_tls(certificate),
            SmtpSecurity::StartTls => options.starttls(certificate),
            _ => options,
        };
        let (running, port) = serve(options);
        let provider =
            SmtpProvider::builder("localhost", "news@example.com".parse().expect("a mailbox"))
                .port(port)
                .security(security)
                .root_certificates(authority.pem())
                .credentials(Credentials::password(USER, PASSWORD))
                .build()
                .expect("builds");
        Self {
            provider: Arc::new(provider),
            book,
            _running: running,
        }
    }

    fn in_staging(mut self) -> Self {
        self.provider = Arc::new(Staging::shared(self.provider).allow_domain("example.org"));
        self
    }
}

/// A server on a thread of its own: the runtime of a clause is not there yet.
fn serve(options: Options) -> (oneshot::Sender<()>, u16) {
    let (running, ended) = oneshot::channel::<()>();
    let (ready, port) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let server: Server = options.start().await;
            ready.send(server.port()).expect("the harness waits");
            let _ = ended.await;
        });
    });
    (running, port.recv().expect("the server starts"))
}

#[async_trait]
impl ProviderHarness for Smtp {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::clone(&self.provider)
    }

    fn message(&self) -> Message {
        mail()
    }

    fn address(&self) -> Address {
        fresh_address()
    }

    async fn script(&self, answer: Answer) {
        self.book
            .lock()
            .expect("not poisoned")
            .script
            .push_back(answer);
    }

    async fn asked(&self) -> usize {
        self.book.lock().expect("not poisoned").asked
    }

    async fn taken(&self) -> Vec<String> {
        self.book.lock().expect("not poisoned").taken.clone()
    }

    fn secrets(&self) -> Vec<String> {
        vec![USER.to_owned(), PASSWORD.to_owned()]
    }

    fn says_how_long(&self) -> bool {
        false
    }
}

mod pipelining {
    use super::*;
    notify_core::provider_tests!(Smtp::new(
        SmtpSecurity::None,
        &["PIPELINING", "8BITMIME", "SIZE 1000000", "AUTH PLAIN"]
    ));
}

mod one_command_at_a_time {
    use super::*;
    notify_core::provider_tests!(Smtp::new(SmtpSecurity::None, &["AUTH LOGIN PLAIN"]));
}

mod starttls {
    use super::*;
    notify_core::provider_tests!(Smtp::new(
        SmtpSecurity::StartTls,
        &["PIPELINING", "AUTH PLAIN"]
    ));
}

mod tls {
    use super::*;
    notify_core::provider_tests!(Smtp::new(SmtpSecurity::Tls, &["PIPELINING", "AUTH PLAIN"]));
}

mod staging {
    use super::*;
    notify_core::provider_tests!(
        Smtp::new(SmtpSecurity::None, &["PIPELINING", "AUTH PLAIN"]).in_staging()
    );
}
