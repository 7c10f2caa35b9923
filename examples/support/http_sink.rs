//! A service with an HTTP interface for trying things out: takes messages by POST, or answers as it is told.

use std::collections::{HashSet, VecDeque};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What the service does with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// Answers with this status line and these headers, such as `429 Too Many Requests\r\nRetry-After: 1`, and takes nothing.
    Refuse(String),
    /// Takes the message, and closes the connection without a word.
    Cut,
    /// Takes nothing, and says nothing for as long as the client waits.
    Hang,
    /// Takes the message, and says something that is not HTTP.
    Nonsense,
    /// Takes the message: what it does unless told otherwise.
    Take,
}

/// A service on a free port of this host, in threads of its own until the program ends.
#[derive(Clone, Debug)]
pub struct HttpSink {
    address: SocketAddr,
    office: Arc<Mutex<Office>>,
}

#[derive(Debug, Default)]
struct Office {
    replies: VecDeque<Reply>,
    asked: usize,
    /// The path and body of each message, each key once.
    taken: Vec<(String, String)>,
    keys: HashSet<String>,
}

/// One request, as far as it matters here.
#[derive(Debug, Default)]
struct Request {
    path: String,
    key: String,
    body: String,
}

impl HttpSink {
    /// Opens the service.
    ///
    /// # Errors
    /// If no port is free.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let sink = Self {
            address: listener.local_addr()?,
            office: Arc::default(),
        };
        let office = Arc::clone(&sink.office);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let office = Arc::clone(&office);
                // A client that hangs up is the client's affair.
                thread::spawn(move || serve(stream, &office));
            }
        });
        Ok(sink)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does with the next request that nothing was said of. It takes those that nothing was said of at all.
    pub fn reply(&self, reply: Reply) {
        lock(&self.office).replies.push_back(reply);
    }

    /// How many requests came.
    #[must_use]
    pub fn asked(&self) -> usize {
        lock(&self.office).asked
    }

    /// The path and the body of each message that it took, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<(String, String)> {
        lock(&self.office).taken.clone()
    }
}

fn serve(mut stream: TcpStream, office: &Mutex<Office>) -> io::Result<()> {
    let request = read(&stream)?;
    let (reply, head) = {
        let mut office = lock(office);
        office.asked += 1;
        let reply = office.replies.pop_front().unwrap_or(Reply::Take);
        if matches!(reply, Reply::Cut | Reply::Nonsense | Reply::Take)
            && office.keys.insert(request.key.clone())
        {
            office.taken.push((request.path, request.body));
        }
        (reply, format!("200 OK\r\nX-Message-Id: m-{}", request.key))
    };
    let head = match reply {
        Reply::Take => head,
        Reply::Refuse(head) => head,
        Reply::Nonsense => return stream.write_all(b"220 this is another protocol\r\n"),
        Reply::Cut => return Ok(()),
        // Until the client closes.
        Reply::Hang => return stream.read_to_end(&mut Vec::new()).map(drop),
    };
    let answer = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes())
}

fn read(stream: &TcpStream) -> io::Result<Request> {
    let (mut reader, mut request) = (BufReader::new(stream), Request::default());
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line)?;
    line.split(' ')
        .nth(1)
        .unwrap_or_default()
        .clone_into(&mut request.path);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().unwrap_or(0),
            Some(("Idempotency-Key", value)) => value.clone_into(&mut request.key),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Ok(request)
}

fn lock(office: &Mutex<Office>) -> MutexGuard<'_, Office> {
    office.lock().unwrap_or_else(PoisonError::into_inner)
}
