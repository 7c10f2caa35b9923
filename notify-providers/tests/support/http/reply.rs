//! What a vendor answers, and all that can go wrong with an answer.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::Response;
use hyper::header::{HeaderName, HeaderValue};
use notify_core::clock::{Clock as _, SystemClock};
use serde_json::Value;
use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Ends the connection, or the stream with the reason that hyper finds in its source.
#[derive(Debug)]
pub(super) struct Failure(pub(super) Box<dyn Error + Send + Sync>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as the test wants it")
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.as_ref())
    }
}

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An answer, or what comes in its place.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    delay: Duration,
    dribble: Option<Duration>,
    cut_after: Option<usize>,
    instead: Instead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instead {
    Nothing,
    Hang,
    Reset,
    Refuse,
}

impl Reply {
    /// This status and no body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            delay: Duration::ZERO,
            dribble: None,
            cut_after: None,
            instead: Instead::Nothing,
        }
    }

    pub fn json(status: u16, body: Value) -> Self {
        Self::status(status)
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::status(status)
            .header("content-type", "text/plain")
            .body(body)
    }

    /// The page of a proxy that stands before the vendor.
    pub fn html(status: u16) -> Self {
        Self::status(status)
            .header("content-type", "text/html")
            .body("<html><body><h1>Something</h1></body></html>")
    }

    /// This status and so many bytes of nothing.
    pub fn huge(status: u16, bytes: usize) -> Self {
        Self::status(status).body(vec![b' '; bytes])
    }

    /// Reads the request and never answers.
    pub fn hang() -> Self {
        Self::instead(Instead::Hang)
    }

    /// Reads the request and cuts the connection; over HTTP/2, the stream.
    pub fn reset() -> Self {
        Self::instead(Instead::Reset)
    }

    /// Over HTTP/2: says that it never looked at the request.
    pub fn refuse_stream() -> Self {
        Self::instead(Instead::Refuse)
    }

    fn instead(instead: Instead) -> Self {
        Self {
            instead,
            ..Self::status(200)
        }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Answers after this long, of real time.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits this long before each byte of the body, of real time.
    pub fn dribbled(mut self, each: Duration) -> Self {
        self.dribble = Some(each);
        self
    }

    /// Announces the whole body, writes so many bytes of it and cuts the connection.
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Whether it has no body.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    pub(super) async fn play(self) -> Result<Response<Played>, Failure> {
        if !self.delay.is_zero() {
            SystemClock::new().sleep(self.delay).await;
        }
        match self.instead {
            Instead::Nothing => {}
            Instead::Hang => std::future::pending().await,
            Instead::Reset => return Err(Failure("reset".into())),
            Instead::Refuse => {
                let refused = h2::Error::from(h2::Reason::REFUSED_STREAM);
                return Err(Failure(refused.into()));
            }
        }
        let mut response = Response::new(Played {
            announced: self.body.len(),
            left: self.body.into(),
            written: 0,
            dribble: self.dribble,
            cut_after: self.cut_after,
            sleep: None,
        });
        *response.status_mut() = self.status.try_into().expect("a status");
        for (name, value) in self.headers {
            let name: HeaderName = name.try_into().expect("the name of a header");
            let value: HeaderValue = value.try_into().expect("the value of a header");
            response.headers_mut().append(name, value);
        }
        Ok(response)
    }
}

/// The body of an answer on its way.
pub(super) struct Played {
    announced: usize,
    left: Bytes,
    written: usize,
    dribble: Option<Duration>,
    cut_after: Option<usize>,
    sleep: Option<Sleep>,
}

impl Body for Played {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let cut = self.cut_after == Some(self.written);
        if self.left.is_empty() && !cut {
            return Poll::Ready(None);
        }
        // Before a cut there is time for what was written to leave.
        let wait = if cut {
            Some(Duration::from_millis(20))
        } else {
            self.dribble
        };
        if let Some(each) = wait {
            let sleep = self.sleep.get_or_insert_with(|| {
                Box::pin(async move { SystemClock::new().sleep(each).await })
            });
            ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        if cut {
            return Poll::Ready(Some(Err(io::Error::other("cut"))));
        }
        let size = match (self.dribble, self.cut_after) {
            (Some(_), _) => 1,
            (None, Some(end)) => end - self.written,
            (None, None) => usize::MAX,
        };
        let size = size.min(self.left.len());
        self.written += size;
        let chunk = self.left.split_to(size);
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty() && self.cut_after.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.announced - self.written;
        SizeHint::with_exact(u64::try_from(left).expect("fits"))
    }
}
