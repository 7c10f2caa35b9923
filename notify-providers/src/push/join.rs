//! Several calls at the same time.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

enum Running<F: Future> {
    Done(F::Output),
    Going(Pin<Box<F>>),
}

/// Runs all of them at the same time, within the task that waits. Their results, in order.
///
/// Each is looked at whenever one of them moves: for some dozens, not for thousands.
pub(crate) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let futures = futures.into_iter();
    let mut running: Vec<Running<F>> = futures
        .map(|future| Running::Going(Box::pin(future)))
        .collect();
    poll_fn(|cx| {
        let mut is_done = true;
        for one in &mut running {
            if let Running::Going(future) = one {
                match future.as_mut().poll(cx) {
                    Poll::Ready(result) => *one = Running::Done(result),
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    let results = running.into_iter();
    results
        .filter_map(|one| match one {
            Running::Done(result) => Some(result),
            Running::Going(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::Barrier;

    #[tokio::test]
    async fn they_run_at_the_same_time_and_answer_in_order() {
        let meeting = Barrier::new(3);
        let one = async |number: usize| {
            // Each waits for the others.
            meeting.wait().await;
            number
        };
        assert_eq!(all((0..3).map(one)).await, [0, 1, 2]);
        let none: [std::future::Ready<()>; 0] = [];
        assert!(all(none).await.is_empty());
    }
}
