//! How many jobs of which lane to ask for: critical first, the others by weight, so that none starves.

use crate::id::ChannelId;
use crate::notification::Priority;
use crate::queue::LaneClaim;

/// The shares of the lanes below critical. The smallest is more than 5 %.
const WEIGHTS: [(Priority, usize); 3] = [
    (Priority::High, 8),
    (Priority::Normal, 4),
    (Priority::Low, 1),
];

/// What to ask for, given how many places are free for critical ones and for the others, and which lanes may have work.
///
/// Every lane that may have work gets at least one place of its share, and together they never get more than there are.
pub(crate) fn shares(
    critical: usize,
    shared: usize,
    open: &[(Priority, ChannelId)],
) -> Vec<LaneClaim> {
    let channels = |priority| {
        open.iter()
            .filter(move |lane| lane.0 == priority)
            .map(|lane| &lane.1)
    };
    let mut claims = Vec::with_capacity(open.len());
    split(
        critical,
        Priority::Critical,
        &channels(Priority::Critical).collect::<Vec<_>>(),
        &mut claims,
    );
    let present: Vec<_> = WEIGHTS
        .into_iter()
        .filter(|(priority, _)| channels(*priority).next().is_some())
        .collect();
    let total: usize = present.iter().map(|(_, weight)| weight).sum();
    let mut left = shared;
    // The lightest first, so that rounding never leaves it without a place.
    for (priority, weight) in present.into_iter().rev() {
        let share = (shared * weight).div_ceil(total.max(1)).min(left);
        left -= share;
        split(
            share,
            priority,
            &channels(priority).collect::<Vec<_>>(),
            &mut claims,
        );
    }
    claims
}

fn split(share: usize, priority: Priority, channels: &[&ChannelId], claims: &mut Vec<LaneClaim>) {
    let mut left = share;
    for (no, channel) in channels.iter().enumerate() {
        let part = left.div_ceil(channels.len() - no);
        left -= part;
        if let Ok(limit) = u32::try_from(part)
            && limit > 0
        {
            claims.push(LaneClaim {
                priority,
                channel: (*channel).clone(),
                limit,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(priorities: &[Priority]) -> Vec<(Priority, ChannelId)> {
        priorities
            .iter()
            .map(|priority| (*priority, ChannelId::EMAIL))
            .collect()
    }

    fn limit(claims: &[LaneClaim], priority: Priority) -> u32 {
        claims
            .iter()
            .filter(|claim| claim.priority == priority)
            .map(|claim| claim.limit)
            .sum()
    }

    #[test]
    fn every_lane_gets_its_share_and_together_no_more_than_there_is() {
        let claims = shares(100, 80, &open(&Priority::ALL));
        assert_eq!(limit(&claims, Priority::Critical), 100);
        let shared: u32 = [Priority::High, Priority::Normal, Priority::Low]
            .map(|p| limit(&claims, p))
            .iter()
            .sum();
        assert_eq!(shared, 80);
        assert!(limit(&claims, Priority::Low) * 20 >= 80, "at least 5 %");
        assert!(limit(&claims, Priority::High) > limit(&claims, Priority::Normal));
    }

    #[test]
    fn a_lane_alone_gets_everything() {
        assert_eq!(
            limit(&shares(100, 80, &open(&[Priority::Low])), Priority::Low),
            80
        );
    }

    #[test]
    fn a_single_place_goes_to_the_lightest_lane_so_that_it_does_not_starve() {
        let claims = shares(1, 1, &open(&Priority::ALL));
        assert_eq!(limit(&claims, Priority::Low), 1);
        assert!(shares(0, 0, &open(&Priority::ALL)).is_empty());
    }
}
