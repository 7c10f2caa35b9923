//! Vendors for trying things out, on loopback: the wire is here, and how each of them answers is in a file of its own.

pub mod apns;
pub mod brevo;
pub mod browser;
pub mod discord;
pub mod exolve;
pub mod fcm;
pub mod huawei;
pub mod keys;
pub mod mailgun;
pub mod mandrill;
pub mod megafon;
pub mod message_bird;
pub mod plivo;
pub mod postmark;
pub mod resend;
pub mod sendgrid;
pub mod ses;
pub mod slack;
pub mod sms_ru;
pub mod smsc;
pub mod sns;
pub mod teams;
pub mod telegram;
pub mod twilio;
pub mod vonage;
pub mod whatsapp;

use http_body::Body as _;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Response, StatusCode, Version, http};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::{fmt, io};

/// The longest body that is read.
const MAX_BODY: usize = 1 << 20;

/// A vendor on a free port of this host, by HTTP/1.1 and HTTP/2, in tasks of its own until the program ends.
#[derive(Clone)]
pub struct Vendor {
    address: SocketAddr,
    office: Arc<Office>,
}

struct Office {
    answer: Box<dyn Fn(&Request) -> Answer + Send + Sync>,
    /// How many requests from now on meet an outage.
    outage: AtomicUsize,
    asked: AtomicUsize,
    /// To whom, and what.
    taken: Mutex<Vec<(String, String)>>,
}

/// One request.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Request {
    /// Such as `POST`.
    pub method: String,
    /// With its query.
    pub path: String,
    /// As it came.
    pub body: Vec<u8>,
    headers: Vec<(String, String)>,
    http2: bool,
}

/// What the vendor says to one request, and what it took with it.
#[derive(Debug)]
#[must_use]
pub struct Answer {
    head: String,
    body: String,
    taken: Vec<(String, String)>,
}

impl Vendor {
    /// Opens the vendor. `answer` is asked for each request, unless there is an outage. Within a runtime of tokio.
    ///
    /// # Errors
    /// If no port is free.
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let office = Arc::new(Office {
            answer: Box::new(answer),
            outage: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            taken: Mutex::default(),
        });
        tokio::spawn(serve(listener, Arc::clone(&office)));
        Ok(Self { address, office })
    }

    /// Host and port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next requests, so many, are answered by `503 Service Unavailable`.
    pub fn outage(&self, requests: usize) {
        self.office.outage.store(requests, Ordering::Release);
    }

    /// How many requests came.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.office.asked.load(Ordering::Acquire)
    }

    /// To whom each message was that it took, and what it said, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<(String, String)> {
        let taken = self.office.taken.lock();
        taken.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Prints what it took.
    pub fn print(&self, name: &str) {
        let (taken, asked) = (self.taken(), self.asked());
        println!("\n{name} was asked {asked} times, and took:");
        for (to, what) in taken {
            println!("  {to:24} {what}");
        }
    }
}

impl Request {
    /// A header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it came by HTTP/2.
    #[must_use]
    pub const fn is_http2(&self) -> bool {
        self.http2
    }

    /// Whether it is a POST to this path, with a body of this type.
    #[must_use]
    pub fn is_post(&self, path: &str, media_type: &str) -> bool {
        let given = self.header("content-type").unwrap_or_default();
        self.method == "POST" && self.path == path && given.starts_with(media_type)
    }

    /// The body as JSON; `null` if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A field of a form.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let fields = self.fields();
        let mut named = fields.into_iter().filter(|(other, _)| other == name);
        named.next().map(|(_, value)| value)
    }

    /// The fields of a form.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

impl Answer {
    /// This status line, such as `202 Accepted`, and further lines of the head behind `\r\n`.
    pub fn new(head: impl Into<String>) -> Self {
        Self {
            head: head.into(),
            body: String::new(),
            taken: Vec::new(),
        }
    }

    /// With JSON.
    pub fn json(mut self, body: &Value) -> Self {
        self.head.push_str("\r\nContent-Type: application/json");
        self.body = body.to_string();
        self
    }

    /// With XML.
    pub fn xml(mut self, body: &str) -> Self {
        self.head.push_str("\r\nContent-Type: text/xml");
        self.body = body.to_owned();
        self
    }

    /// It took a message with it.
    pub fn took(mut self, to: impl Into<String>, what: impl Into<String>) -> Self {
        self.taken.push((to.into(), what.into()));
        self
    }
}

/// Serves whoever comes. A client that hangs up is the client's affair.
async fn serve(listener: tokio::net::TcpListener, office: Arc<Office>) {
    while let Ok((stream, _)) = listener.accept().await {
        let office = Arc::clone(&office);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let office = Arc::clone(&office);
                async move { Ok::<_, Infallible>(handle(request, &office).await) }
            });
            let server = auto::Builder::new(TokioExecutor::new());
            drop(server.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn handle(request: http::Request<Incoming>, office: &Office) -> Response<Full> {
    office.asked.fetch_add(1, Ordering::AcqRel);
    let Some(request) = read(request).await else {
        return response(Answer::new("413 Content Too Large"));
    };
    let less = |left: usize| left.checked_sub(1);
    let order = (Ordering::AcqRel, Ordering::Acquire);
    let is_out = office.outage.fetch_update(order.0, order.1, less).is_ok();
    let mut answer = if is_out {
        Answer::new("503 Service Unavailable")
    } else {
        (office.answer)(&request)
    };
    // Who is told yes need not keep the message: so it is written down first.
    let taken = office.taken.lock();
    let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
    taken.append(&mut answer.taken);
    drop(taken);
    response(answer)
}

/// A request with its whole body; nothing, if that is too long or breaks off.
async fn read(request: http::Request<Incoming>) -> Option<Request> {
    let (head, body) = request.into_parts();
    let mut body = body;
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame.ok()?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > MAX_BODY {
            return None;
        }
    }
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter();
    Some(Request {
        method: head.method.to_string(),
        path: head
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        body: bytes,
        headers: headers
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        http2: head.version == Version::HTTP_2,
    })
}

fn response(answer: Answer) -> Response<Full> {
    let mut lines = answer.head.lines();
    let status = lines.next().and_then(|line| line.split(' ').next());
    let status = status.and_then(|code| code.parse().ok());
    let mut response = Response::new(Full(Some(answer.body.into())));
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse()) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// A body that is there already.
struct Full(Option<Bytes>);

impl http_body::Body for Full {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(http_body::Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        let length = self.0.as_ref().map_or(0, Bytes::len);
        http_body::SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vendor")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
