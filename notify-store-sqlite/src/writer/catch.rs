//! Holds a panic: one operation's must not end the writer.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::writer::Boxed;

/// A future that answers with `None` if the one inside panics.
///
/// What the panic left half done is thrown away by whoever sees the `None`: the connection, and with it the transaction.
pub(crate) struct Caught<'a, T>(pub(crate) Boxed<'a, T>);

impl<T> Future for Caught<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let inner = self.0.as_mut();
        match catch_unwind(AssertUnwindSafe(|| inner.poll(context))) {
            Ok(polled) => polled.map(Some),
            Err(_) => Poll::Ready(None),
        }
    }
}
