//! The contract of providers, over real TLS. The crate knows one host and takes no certificate; but it heeds the proxy and the
//! certificates of the environment. So the clauses run in a process of its own, whose proxy is Firebase itself.

use async_trait::async_trait;
use fcm_v1::Client;
use fcm_v1::auth::Authenticator;
use native_tls::{Identity, TlsAcceptor, TlsStream};
use notify_core::channel::PushMessage;
use notify_core::provider::Provider;
use notify_core::testkit::{Answer, ProviderHarness, provider};
use notify_core::{Address, Message};
use notify_fcm_v1::FcmV1Provider;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;
use std::{env, fs, thread};

const ACCESS: &str = "ya29.access-token-of-the-test";
/// The folder with the certificates, for the process that runs the clauses.
const CHILD: &str = "NOTIFY_FCM_V1_FOLDER";

#[test]
fn every_clause_holds_in_a_process_of_its_own() {
    if let Ok(folder) = env::var(CHILD) {
        return clauses(&folder);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (ca, identity) = certificates();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("ca.pem"), ca).expect("written");
    fs::write(file("cert.pem"), identity.0).expect("written");
    fs::write(file("key.pem"), identity.1).expect("written");
    // Another program may take the port in between: rare, and then the process says so.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|free| free.local_addr())
        .expect("a port")
        .port();
    let child = Command::new(env::current_exe().expect("this program"))
        .args([
            "--exact",
            "every_clause_holds_in_a_process_of_its_own",
            "--nocapture",
        ])
        .env(CHILD, folder.path())
        .env("HTTPS_PROXY", format!("http://127.0.0.1:{port}"))
        .env("SSL_CERT_FILE", file("ca.pem"))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .expect("started");
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    let errors = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{said}\n{errors}");
    let held = said
        .lines()
        .filter(|line| line.starts_with("holds: "))
        .count();
    println!("{said}");
    assert_eq!(held, provider::CLAUSES.len(), "{said}\n{errors}");
}

/// In the process whose environment leads to Firebase below.
fn clauses(folder: &str) {
    let proxy = env::var("HTTPS_PROXY").expect("the proxy");
    let address = proxy.strip_prefix("http://").expect("an address");
    let listener = TcpListener::bind(address).expect("the port is free");
    let read = |name: &str| fs::read(format!("{folder}/{name}")).expect("a file");
    let identity =
        Identity::from_pkcs8(&read("cert.pem"), &read("key.pem")).expect("a certificate");
    let acceptor = Arc::new(TlsAcceptor::new(identity).expect("TLS"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let acceptor = Arc::clone(&acceptor);
            thread::spawn(move || serve(stream, &acceptor));
        }
    });
    for clause in provider::CLAUSES {
        clause.check(&Kit::new());
        println!("holds: {}", clause.name());
    }
}

/// A certificate that signs, and one for the host of Firebase with its key.
fn certificates() -> (String, (String, String)) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "the test's own authority");
    let ca_key = KeyPair::generate().expect("a key");
    let ca = params.self_signed(&ca_key).expect("a certificate");
    let issuer = Issuer::from_params(&params, &ca_key);
    let host = CertificateParams::new(["fcm.googleapis.com".to_owned()]).expect("a name");
    let key = KeyPair::generate().expect("a key");
    let leaf = host.signed_by(&key, &issuer).expect("a certificate");
    (ca.pem(), (leaf.pem(), key.serialize_pem()))
}

/// What one project's Firebase was told to do and what it did.
#[derive(Default)]
struct Project {
    script: VecDeque<Answer>,
    asked: usize,
    taken: Vec<String>,
}

static PROJECTS: LazyLock<Mutex<HashMap<String, Project>>> = LazyLock::new(Mutex::default);

fn projects() -> MutexGuard<'static, HashMap<String, Project>> {
    PROJECTS.lock().expect("not poisoned")
}

/// A proxy that leads nowhere but here.
fn serve(mut stream: TcpStream, acceptor: &TlsAcceptor) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    assert!(
        head.starts_with(b"CONNECT fcm.googleapis.com:443 "),
        "it calls nobody else"
    );
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let mut tls = BufReader::new(acceptor.accept(stream).ok()?);
    while let Some((project, body)) = request(&mut tls) {
        answer(&mut tls, &project, &body)?;
    }
    Some(())
}

/// The project and the body of the next request.
fn request(tls: &mut BufReader<TlsStream<TcpStream>>) -> Option<(String, Value)> {
    let (mut line, mut length, mut bearer) = (String::new(), 0, String::new());
    tls.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.strip_prefix("POST /v1/projects/").expect("the path");
    let project = path
        .split("/messages:send ")
        .next()
        .expect("the path")
        .to_owned();
    loop {
        line.clear();
        tls.read_line(&mut line).ok()?;
        let header = line.trim_end().to_ascii_lowercase();
        match header.split_once(": ") {
            Some(("content-length", value)) => length = value.parse().expect("a number"),
            Some(("authorization", value)) => value.clone_into(&mut bearer),
            None if header.is_empty() => break,
            _ => {}
        }
    }
    assert_eq!(bearer, format!("bearer {ACCESS}").to_ascii_lowercase());
    let mut body = vec![0; length];
    tls.read_exact(&mut body).ok()?;
    Some((project, serde_json::from_slice(&body).expect("JSON")))
}

fn answer(tls: &mut BufReader<TlsStream<TcpStream>>, project: &str, body: &Value) -> Option<()> {
    let token = body["message"]["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    assert!(body["message"]["notification"]["title"].is_string());
    let (answer, number) = {
        let mut projects = projects();
        let state = projects.entry(project.to_owned()).or_default();
        state.asked += 1;
        let answer = state.script.pop_front().unwrap_or(Answer::Accept);
        if matches!(
            answer,
            Answer::Accept | Answer::CutAfterWrite | Answer::Nonsense
        ) {
            state.taken.push(token);
        }
        (answer, state.asked)
    };
    let code = |code: &str| json!({ "error": { "details": [{ "errorCode": code }] } }).to_string();
    let (status, body) = match answer {
        Answer::Accept => {
            let name = format!("projects/{project}/messages/0:{number}");
            ("200 OK", json!({ "name": name }).to_string())
        }
        Answer::CutAfterWrite => return None,
        // Until the client closes.
        Answer::Hang => return tls.read_to_end(&mut Vec::new()).ok().and(None),
        Answer::Nonsense => ("200 OK", "<html>".to_owned()),
        Answer::BadCredentials => ("401 Unauthorized", code("THIRD_PARTY_AUTH_ERROR")),
        Answer::Outage => ("503 Service Unavailable", code("UNAVAILABLE")),
        Answer::RateLimit(_) => ("429 Too Many Requests", code("QUOTA_EXCEEDED")),
        Answer::RejectRecipient => ("404 Not Found", code("UNREGISTERED")),
        _ => ("400 Bad Request", code("INVALID_ARGUMENT")),
    };
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
    tls.get_mut().write_all(text.as_bytes()).ok()
}

struct Kit {
    project: String,
    provider: Arc<FcmV1Provider>,
    addresses: AtomicUsize,
}

impl Kit {
    fn new() -> Self {
        static PROJECT: AtomicUsize = AtomicUsize::new(0);
        let project = format!("shop-{}", PROJECT.fetch_add(1, Ordering::SeqCst));
        let key = async { Authenticator::access_token(ACCESS).await };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let key = runtime.expect("a runtime").block_on(key).expect("a token");
        let client = Client::new(key, &project, false, Duration::from_secs(10));
        Self {
            project,
            provider: Arc::new(FcmV1Provider::new(client)),
            addresses: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl ProviderHarness for Kit {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::<FcmV1Provider>::clone(&self.provider)
    }

    fn message(&self) -> Message {
        Message::new(PushMessage::new("On its way", "Two parcels."))
    }

    fn address(&self) -> Address {
        let no = self.addresses.fetch_add(1, Ordering::SeqCst);
        Address::device(format!("cXfake-instance_{no:06}:APA91bFake-token"))
    }

    async fn script(&self, answer: Answer) {
        let mut projects = projects();
        projects
            .entry(self.project.clone())
            .or_default()
            .script
            .push_back(answer);
    }

    async fn asked(&self) -> usize {
        projects().get(&self.project).map_or(0, |state| state.asked)
    }

    async fn taken(&self) -> Vec<String> {
        projects()
            .get(&self.project)
            .map_or_else(Vec::new, |state| state.taken.clone())
    }

    fn secrets(&self) -> Vec<String> {
        vec![ACCESS.to_owned()]
    }

    /// That it cannot be reached is called a time-out by the crate, like all else on the way.
    fn can_answer(&self, answer: Answer) -> bool {
        answer != Answer::Unreachable
    }

    fn says_how_long(&self) -> bool {
        false
    }
}
