//! Vendors for trying things out, on loopback: the wire is here, and how each of them answers is in a file of its own.

pub mod browser;
pub mod sendgrid;
pub mod slack;
pub mod twilio;
pub mod vonage;

use serde_json::Value;
use std::fmt;
use std::io::{self, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The longest body that is read.
const MAX_BODY: usize = 1 << 20;

/// A vendor on a free port of this host, in threads of its own until the program ends.
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
    /// Opens the vendor. `answer` is asked for each request, unless there is an outage.
    ///
    /// # Errors
    /// If no port is free.
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let office = Arc::new(Office {
            answer: Box::new(answer),
            outage: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            taken: Mutex::default(),
        });
        let visitors = Arc::clone(&office);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let visitors = Arc::clone(&visitors);
                // A client that hangs up is the client's affair.
                thread::spawn(move || serve(&stream, &visitors));
            }
        });
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
        let body = String::from_utf8_lossy(&self.body).into_owned();
        let mut pairs = body.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(other, _)| *other == name)?;
        Some(decoded(value))
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

    /// It took a message with it.
    pub fn took(mut self, to: impl Into<String>, what: impl Into<String>) -> Self {
        self.taken.push((to.into(), what.into()));
        self
    }
}

/// The requests of one connection, until the client closes it.
fn serve(stream: &TcpStream, office: &Office) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    while let Some(request) = read(&mut reader)? {
        office.asked.fetch_add(1, Ordering::AcqRel);
        let less = |left: usize| left.checked_sub(1);
        let order = (Ordering::AcqRel, Ordering::Acquire);
        let is_out = office.outage.fetch_update(order.0, order.1, less).is_ok();
        let answer = if is_out {
            Answer::new("503 Service Unavailable")
        } else {
            (office.answer)(&request)
        };
        // Who is told yes need not keep the message: so it is written down first.
        let taken = office.taken.lock();
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        taken.extend(answer.taken);
        drop(taken);
        let (head, body) = (answer.head, answer.body);
        let length = body.len();
        let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}");
        writer.write_all(answer.as_bytes())?;
    }
    Ok(())
}

/// The next request of a connection, if there is one.
fn read(reader: &mut impl io::BufRead) -> io::Result<Option<Request>> {
    let (mut request, mut line) = (Request::default(), String::new());
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    request.method = words.next().unwrap_or_default();
    request.path = words.next().unwrap_or_default();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            request.headers.push((name.to_owned(), value.to_owned()));
        }
    }
    let length = request.header("content-length");
    let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
    if length > MAX_BODY {
        return Err(io::ErrorKind::InvalidData.into());
    }
    request.body = vec![0; length];
    reader.read_exact(&mut request.body)?;
    Ok(Some(request))
}

/// A value of a form, as `application/x-www-form-urlencoded` writes it.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (digit(), digit()) {
                (Some(high), Some(low)) => u8::try_from(high << 4 | low).unwrap_or(b'?'),
                _ => b'?',
            },
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vendor")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
