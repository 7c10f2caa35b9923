//! Whether a worker is to begin nothing more.

use tokio::sync::watch;

/// Whether a worker is to begin nothing more; what was begun goes on.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// A stop, and what pulls it.
    pub(crate) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// A stop that nobody pulls.
    pub(crate) fn never() -> Self {
        Self::new().1
    }

    pub(crate) fn is_pulled(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once it is pulled.
    pub(crate) async fn pulled(&mut self) {
        if self.0.wait_for(|pulled| *pulled).await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stop_is_pulled_once_for_all_and_one_without_a_hand_never() {
        let (hand, mut stop) = Stop::new();
        let (mut other, mut never) = (stop.clone(), Stop::never());
        assert!(!stop.is_pulled());
        hand.send_replace(true);
        stop.pulled().await;
        drop(hand);
        other.pulled().await;
        assert!(other.is_pulled());
        tokio::select! {
            biased;
            () = never.pulled() => unreachable!("nobody pulls it"),
            () = std::future::ready(()) => {}
        }
    }
}
