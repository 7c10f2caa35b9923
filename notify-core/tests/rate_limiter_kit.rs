//! The limiter of one process keeps the contract.

use async_trait::async_trait;
use notify_core::RateLimiter;
use notify_core::rate_limiter::{GovernorLimiter, Quota};
use notify_core::testkit::rate_limiter::LimiterHarness;
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps the limiter it made, to look into it.
#[derive(Default)]
struct InProcess(Mutex<Option<Arc<GovernorLimiter>>>);

#[async_trait]
impl LimiterHarness for InProcess {
    async fn limiter(&self, others: Option<Quota>) -> Arc<dyn RateLimiter> {
        let limiter = GovernorLimiter::new();
        let limiter = Arc::new(match others {
            Some(quota) => limiter.with_default(quota),
            None => limiter,
        });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(Arc::clone(&limiter));
        limiter
    }

    async fn tracked(&self) -> Option<usize> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(|limiter| limiter.tracked())
    }
}

notify_core::rate_limiter_tests!(InProcess::default());
