//! What a provider can do.

use std::time::Duration;

use crate::id::ChannelId;

/// What a provider can do. The worker reads it; `send` still checks.
///
/// ```
/// use notify_core::{ChannelId, provider::Capabilities};
/// use std::time::Duration;
///
/// let able = Capabilities::for_channel(ChannelId::EMAIL)
///     .with_batch(500)
///     .with_idempotency(Duration::from_secs(86_400));
/// assert!(able.serves(&ChannelId::EMAIL));
/// assert_eq!(able.batch_max(), 500);
/// ```
#[derive(Clone, Debug)]
pub struct Capabilities {
    channels: Vec<ChannelId>,
    batch_max: usize,
    honours_key_for: Option<Duration>,
    price_micros: Option<u64>,
    concurrency: usize,
    reports: bool,
    answers: bool,
}

impl Capabilities {
    /// A provider of one channel that sends one message a call, has no idempotency keys, and takes 64 calls at a time.
    #[must_use]
    pub fn for_channel(channel: impl Into<ChannelId>) -> Self {
        Self {
            channels: vec![channel.into()],
            batch_max: 1,
            honours_key_for: None,
            price_micros: None,
            concurrency: 64,
            reports: false,
            answers: false,
        }
    }

    /// One more channel.
    #[must_use]
    pub fn and_channel(mut self, channel: impl Into<ChannelId>) -> Self {
        self.channels.push(channel.into());
        self
    }

    /// Up to `max` messages a call.
    #[must_use]
    pub const fn with_batch(mut self, max: usize) -> Self {
        self.batch_max = if max == 0 { 1 } else { max };
        self
    }

    /// The same key within this time is the same message: a resend makes no second one.
    #[must_use]
    pub const fn with_idempotency(mut self, keys_live: Duration) -> Self {
        self.honours_key_for = Some(keys_live);
        self
    }

    /// Price of one message, in millionths of the account's currency, for routing by cost.
    #[must_use]
    pub const fn with_price_micros(mut self, price: u64) -> Self {
        self.price_micros = Some(price);
        self
    }

    /// How many calls it takes at a time. Default: 64.
    #[must_use]
    pub const fn with_concurrency(mut self, calls: usize) -> Self {
        self.concurrency = if calls == 0 { 1 } else { calls };
        self
    }

    /// Its vendor reports what becomes of messages, by webhook: their ids are kept where reports find them. Default: no, since each
    /// costs a place in an index.
    #[must_use]
    pub const fn with_reports(mut self, reports: bool) -> Self {
        self.reports = reports;
        self
    }

    /// Its vendor also passes on what readers answer, such as `STOP`, naming their address and no message of ours: it is kept where
    /// the last message to each address went. Default: no. Means nothing without [`with_reports`](Self::with_reports).
    #[must_use]
    pub const fn with_answers(mut self, answers: bool) -> Self {
        self.answers = answers;
        self
    }

    /// Whether it sends messages of this channel.
    #[must_use]
    pub fn serves(&self, channel: &ChannelId) -> bool {
        self.channels.contains(channel)
    }

    /// Its channels.
    #[must_use]
    pub fn channels(&self) -> &[ChannelId] {
        &self.channels
    }

    /// The most messages a call.
    #[must_use]
    pub const fn batch_max(&self) -> usize {
        self.batch_max
    }

    /// How long idempotency keys live, if it honours them.
    #[must_use]
    pub const fn honours_key_for(&self) -> Option<Duration> {
        self.honours_key_for
    }

    /// Price of one message, in millionths of the account's currency.
    #[must_use]
    pub const fn price_micros(&self) -> Option<u64> {
        self.price_micros
    }

    /// Whether its vendor reports what becomes of messages.
    #[must_use]
    pub const fn reports(&self) -> bool {
        self.reports
    }

    /// Whether its vendor passes on what readers answer.
    #[must_use]
    pub const fn answers(&self) -> bool {
        self.answers
    }

    /// How many calls it takes at a time.
    #[must_use]
    pub const fn concurrency(&self) -> usize {
        self.concurrency
    }
}
