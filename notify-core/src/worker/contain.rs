//! Keeps a panic of somebody else's code, or one that never answers, from taking the worker along.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::Clock;

/// A panic was contained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Runs a future of the application or a provider; a panic ends it as [`Panicked`].
///
/// The future is never polled again afterwards, so that nothing it left half done is seen.
pub(crate) fn contain<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Contained<'a, T> {
    Contained {
        inner: Some(Box::pin(future)),
    }
}

/// The future that [`contain`] makes.
pub(crate) struct Contained<'a, T> {
    inner: Option<Pin<Box<dyn Future<Output = T> + Send + 'a>>>,
}

impl<T> Future for Contained<'_, T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(inner) = self.inner.as_mut() else {
            return Poll::Ready(Err(Panicked));
        };
        match catch_unwind(AssertUnwindSafe(|| inner.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => {
                self.inner = None;
                Poll::Ready(Ok(value))
            }
            Err(_) => {
                // The value may panic again when it is dropped.
                let inner = self.inner.take();
                let _ = catch_unwind(AssertUnwindSafe(move || drop(inner)));
                Poll::Ready(Err(Panicked))
            }
        }
    }
}

/// What a future of the application or a provider answers, unless it takes longer than `limit`: then it is dropped.
pub(crate) async fn in_time<T>(
    clock: &dyn Clock,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        answer = future => Some(answer),
        () = clock.sleep(limit) => None,
    }
}

/// Runs a pure function of the application; a panic ends it as [`Panicked`].
pub(crate) fn contain_call<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| Panicked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_the_future_and_nothing_else() {
        assert_eq!(contain(async { 7 }).await, Ok(7));
        let answer = contain(async {
            if true {
                panic!("somebody else's bug")
            }
        })
        .await;
        assert_eq!(answer, Err(Panicked));
        assert_eq!(contain_call(|| -> u8 { panic!("again") }), Err(Panicked));
    }
}
