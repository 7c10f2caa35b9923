//! Which provider is asked first and which ones after it, as data; and how providers are written as text.

mod drift;
mod renamed;
mod schemes;

pub use drift::Drift;
pub(crate) use drift::Pace;
pub(in crate::provider) use renamed::Renamed;
pub use schemes::Schemes;

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind, Result};
use crate::id::{DeliveryId, ProviderName, mix};

/// In which order the providers of a channel are asked. Plain data: it can be stored and compared.
///
/// The worker asks the first one whose breaker and quota let it; the rest are fallbacks.
///
/// ```
/// use notify_core::ProviderName;
/// use notify_core::provider::Routing;
///
/// let routing = Routing::failover([
///     Routing::spread([(3, Routing::one("twilio")), (1, Routing::one("vonage"))]),
///     Routing::one("sns"),
/// ]);
/// routing.validate()?;
/// let first = |turn| routing.order(turn, &|_| None)[0].clone();
/// let twilio = (0..1_000).filter(|turn| first(*turn) == "twilio").count();
/// assert!((700..800).contains(&twilio), "three quarters");
/// assert_eq!(routing.order(7, &|_| None)[2], "sns");
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Routing {
    /// The cheapest first, by the price of the message's destination; those without a price last, in
    /// the order given. A part is as cheap as its cheapest provider.
    Cheapest(Vec<Self>),
    /// In the order given.
    Failover(Vec<Self>),
    /// This one.
    One(ProviderName),
    /// The first by chance, in proportion to the weights, the same for each try of a delivery; the
    /// next one likewise among the rest. A weight of zero is asked after all others.
    Spread(Vec<(u32, Self)>),
}

impl Routing {
    /// The deepest nesting that is accepted.
    pub const MAX_DEPTH: usize = 8;
    /// The most providers that are accepted.
    pub const MAX_PROVIDERS: usize = 64;

    /// This provider.
    #[must_use]
    pub fn one(name: impl Into<ProviderName>) -> Self {
        Self::One(name.into())
    }

    /// In the order given.
    #[must_use]
    pub fn failover(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::Failover(parts.into_iter().collect())
    }

    /// By chance, in proportion to the weights.
    #[must_use]
    pub fn spread(parts: impl IntoIterator<Item = (u32, Self)>) -> Self {
        Self::Spread(parts.into_iter().collect())
    }

    /// The cheapest first.
    #[must_use]
    pub fn cheapest(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::Cheapest(parts.into_iter().collect())
    }

    /// The turn of a delivery: what its [`order`](Self::order) depends on.
    #[must_use]
    pub fn turn(delivery: DeliveryId) -> u64 {
        let bits = delivery.as_u128();
        #[expect(clippy::cast_possible_truncation, reason = "both halves are mixed")]
        let (high, low) = ((bits >> 64) as u64, bits as u64);
        mix(high ^ mix(low))
    }

    /// Every provider once, in the order in which they are asked. Pure: same arguments, same answer.
    ///
    /// Over many turns, consecutive or not, a spread meets its weights. `prices` is what one message
    /// to this destination costs with a provider, in any unit that is the same for all.
    #[must_use]
    pub fn order(
        &self,
        turn: u64,
        prices: &dyn Fn(&ProviderName) -> Option<u64>,
    ) -> Vec<ProviderName> {
        self.order_by(turn, prices, &|_| 100)
    }

    /// As [`order`](Self::order), with the percentage that each provider has of its weight now, 100 for all of it. A part of a spread
    /// has that of its provider that has most.
    #[must_use]
    pub fn order_by(
        &self,
        turn: u64,
        prices: &dyn Fn(&ProviderName) -> Option<u64>,
        shares: &dyn Fn(&ProviderName) -> u32,
    ) -> Vec<ProviderName> {
        let mut order = Vec::new();
        self.walk(mix(turn), &By { prices, shares }, &mut order);
        let mut seen = BTreeSet::new();
        order.retain(|name| seen.insert(*name));
        order.into_iter().cloned().collect()
    }

    /// Its providers, in the order in which they are written.
    #[must_use]
    pub fn providers(&self) -> Vec<&ProviderName> {
        match self {
            Self::Cheapest(parts) | Self::Failover(parts) => {
                parts.iter().flat_map(Self::providers).collect()
            }
            Self::One(name) => vec![name],
            Self::Spread(parts) => parts
                .iter()
                .flat_map(|(_, part)| part.providers())
                .collect(),
        }
    }

    /// Checks that it can work.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if a part is empty, a provider is named twice,
    /// all weights of a spread are zero, or it is too deep or too large.
    pub fn validate(&self) -> Result<()> {
        let config = |why: String| Err(Error::new(ErrorKind::Config, why));
        if !self.is_sound(Self::MAX_DEPTH) {
            return config(format!(
                "a routing must have no empty part, no spread without weight, and {} levels at most",
                Self::MAX_DEPTH
            ));
        }
        let (names, mut seen) = (self.providers(), BTreeSet::new());
        if names.len() > Self::MAX_PROVIDERS {
            return config(format!(
                "a routing has {} providers at most",
                Self::MAX_PROVIDERS
            ));
        }
        match names.into_iter().find(|name| !seen.insert(*name)) {
            Some(twice) => config(format!("a routing names provider {twice} twice")),
            None => Ok(()),
        }
    }

    fn is_sound(&self, depth: usize) -> bool {
        let Some(below) = depth.checked_sub(1) else {
            return false;
        };
        match self {
            Self::Cheapest(parts) | Self::Failover(parts) => {
                !parts.is_empty() && parts.iter().all(|part| part.is_sound(below))
            }
            Self::One(name) => !name.as_str().is_empty(),
            Self::Spread(parts) => {
                parts.iter().any(|(weight, _)| *weight > 0)
                    && parts.iter().all(|(_, part)| part.is_sound(below))
            }
        }
    }

    fn walk<'a>(&'a self, turn: u64, by: &By<'_>, order: &mut Vec<&'a ProviderName>) {
        // Each part has a chance of its own: a spread after a spread is independent of it.
        let chance = |index: usize| mix(turn.wrapping_add(index as u64 + 1));
        match self {
            Self::Cheapest(parts) => {
                let mut parts: Vec<_> = parts.iter().enumerate().collect();
                parts.sort_by_cached_key(|(_, part)| {
                    let price = part.price(by.prices);
                    (price.is_none(), price)
                });
                parts
                    .iter()
                    .for_each(|(index, part)| part.walk(chance(*index), by, order));
            }
            Self::Failover(parts) => {
                let parts = parts.iter().enumerate();
                parts.for_each(|(index, part)| part.walk(chance(index), by, order));
            }
            Self::One(name) => order.push(name),
            Self::Spread(parts) => {
                let weigh = |(index, (weight, part)): (usize, &'a (u32, Self))| {
                    (
                        index,
                        u128::from(*weight) * u128::from(part.share(by.shares)),
                        part,
                    )
                };
                let mut left: Vec<_> = parts.iter().enumerate().map(weigh).collect();
                let mut draw = turn;
                while !left.is_empty() {
                    draw = mix(!draw);
                    let (index, _, part) = left.remove(pick(&left, draw));
                    part.walk(chance(index), by, order);
                }
            }
        }
    }

    fn share(&self, shares: &dyn Fn(&ProviderName) -> u32) -> u32 {
        match self {
            Self::One(name) => shares(name),
            _ => self.providers().into_iter().map(shares).max().unwrap_or(0),
        }
    }

    /// Whether a spread is part of it: what [`Drift`] moves.
    pub(crate) fn has_spread(&self) -> bool {
        match self {
            Self::Cheapest(parts) | Self::Failover(parts) => parts.iter().any(Self::has_spread),
            Self::One(_) => false,
            Self::Spread(_) => true,
        }
    }

    fn price(&self, prices: &dyn Fn(&ProviderName) -> Option<u64>) -> Option<u64> {
        self.providers().into_iter().filter_map(prices).min()
    }
}

/// What an order depends on besides the turn.
struct By<'a> {
    prices: &'a dyn Fn(&ProviderName) -> Option<u64>,
    shares: &'a dyn Fn(&ProviderName) -> u32,
}

/// The index of the part on which `chance` falls, in proportion to the weights.
fn pick(parts: &[(usize, u128, &Routing)], chance: u64) -> usize {
    let weights = || parts.iter().map(|(_, weight, _)| *weight);
    // The upper half of chance × total is uniform in 0..total.
    let point = (u128::from(chance) * weights().sum::<u128>()) >> 64;
    let ends = weights().scan(0, |end, weight| {
        *end += weight;
        Some(*end)
    });
    ends.take_while(|end| *end <= point)
        .count()
        .min(parts.len() - 1)
}

#[cfg(test)]
mod tests;
