//! A request's body that tells when it is asked for.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use notify_core::provider::{Envelope, Progress};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The progress of every message of a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(Vec<Arc<Progress>>);

impl Marks {
    pub(super) fn of(envelopes: &[&Envelope]) -> Self {
        let marks = envelopes.iter();
        Self(
            marks
                .map(|envelope| Arc::clone(&envelope.progress))
                .collect(),
        )
    }

    pub(super) fn connecting(&self) {
        self.0.iter().for_each(|progress| progress.connecting());
    }

    pub(super) fn writing(&self) {
        self.0.iter().for_each(|progress| progress.writing());
    }

    /// Whether it is certain that no message went out.
    pub(super) fn nothing_written(&self) -> bool {
        self.0.iter().all(|progress| progress.nothing_written())
    }
}

/// The body of a call that carries messages.
///
/// hyper asks for it when a connection is there and takes requests: while a name is looked up, a connection opened or an HTTP/2
/// stream waited for, it is not. The head alone makes no vendor do anything, for it announces a length.
pub(super) struct Marked {
    left: Option<Bytes>,
    marks: Marks,
}

impl Marked {
    pub(super) const fn new(bytes: Bytes, marks: Marks) -> Self {
        Self {
            left: Some(bytes),
            marks,
        }
    }
}

impl Body for Marked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.marks.writing();
        Poll::Ready(self.left.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.left.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}
