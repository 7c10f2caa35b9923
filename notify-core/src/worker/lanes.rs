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

/// Whose turn it is where places are fewer than lanes.
///
/// A fixed order would give a place that is alone to the same lane for as long as there is work in it.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// How many places below critical were shared out.
    places: usize,
    /// The same, by priority, to the channels of it; critical first.
    channels: [usize; WEIGHTS.len() + 1],
}

/// What to ask for, given how many places are free for critical ones and for the others, and which lanes may have work.
///
/// Together the lanes below critical get what there is and no more. However few places there are at a time, over several claims
/// each lane gets its share of them.
pub(crate) fn shares(
    critical: usize,
    shared: usize,
    open: &[(Priority, ChannelId)],
    turns: &mut Turns,
) -> Vec<LaneClaim> {
    let channels = |priority| -> Vec<&ChannelId> {
        let lanes = open.iter().filter(|lane| lane.0 == priority);
        lanes.map(|lane| &lane.1).collect()
    };
    let [first, others @ ..] = &mut turns.channels;
    let mut claims = Vec::with_capacity(open.len());
    let waiting = channels(Priority::Critical);
    split(critical, Priority::Critical, &waiting, first, &mut claims);
    let waiting = WEIGHTS.map(|(priority, _)| channels(priority));
    let places = by_weight(shared, &waiting, turns.places);
    turns.places = turns.places.wrapping_add(shared);
    for (no, (priority, _)) in WEIGHTS.into_iter().enumerate() {
        split(
            places[no],
            priority,
            &waiting[no],
            &mut others[no],
            &mut claims,
        );
    }
    claims
}

/// Shares places among the priorities that may have work. A round of places is as long as their weights together; what is less
/// than a round is a part of one, beginning where the last one ended.
fn by_weight(
    places: usize,
    waiting: &[Vec<&ChannelId>; WEIGHTS.len()],
    turn: usize,
) -> [usize; WEIGHTS.len()] {
    let weights: [usize; WEIGHTS.len()] = std::array::from_fn(|no| {
        let (_, weight) = WEIGHTS[no];
        if waiting[no].is_empty() { 0 } else { weight }
    });
    let round: usize = weights.iter().sum();
    if round == 0 {
        return weights;
    }
    let mut shares = weights.map(|weight| places / round * weight);
    // The turns of each are spread over the round: a place goes to whom it is furthest behind with.
    let (from, rest) = (turn % round, places % round);
    let mut given = [0_usize; WEIGHTS.len()];
    for place in 0..from + rest {
        let behind = |no: &usize| (place % round + 1) * weights[*no] + (round - given[*no]) * round;
        let present = (0..WEIGHTS.len()).filter(|no| weights[*no] > 0);
        let Some(no) = present.max_by_key(behind) else {
            break;
        };
        given[no] += 1;
        shares[no] += usize::from(place >= from);
        if place + 1 == round {
            given = [0; WEIGHTS.len()];
        }
    }
    shares
}

/// Shares the places of one priority among its channels; those that do not divide go to the channels whose turn it is.
fn split(
    share: usize,
    priority: Priority,
    channels: &[&ChannelId],
    turn: &mut usize,
    claims: &mut Vec<LaneClaim>,
) {
    let Some(each) = share.checked_div(channels.len()) else {
        return;
    };
    let (first, rest) = (*turn % channels.len(), share % channels.len());
    *turn = turn.wrapping_add(rest);
    for (no, channel) in channels.iter().enumerate() {
        let place = (no + channels.len() - first) % channels.len();
        let part = each + usize::from(place < rest);
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
        let claims = shares(100, 80, &open(&Priority::ALL), &mut Turns::default());
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
            limit(
                &shares(100, 80, &open(&[Priority::Low]), &mut Turns::default()),
                Priority::Low
            ),
            80
        );
    }

    #[test]
    fn a_single_place_goes_round_by_weight_so_that_no_lane_starves() {
        let (open, mut turns) = (open(&Priority::ALL), Turns::default());
        let mut places = [0; 4];
        for _ in 0..26 {
            let claims = shares(1, 1, &open, &mut turns);
            for (place, priority) in places.iter_mut().zip(Priority::ALL) {
                *place += limit(&claims, priority);
            }
        }
        let of = |wanted| {
            let no = Priority::ALL.iter().position(|one| *one == wanted);
            no.map(|no| places[no])
        };
        assert_eq!(of(Priority::Critical), Some(26));
        assert_eq!(of(Priority::High), Some(16));
        assert_eq!(of(Priority::Normal), Some(8));
        assert_eq!(of(Priority::Low), Some(2));
        assert!(shares(0, 0, &open, &mut turns).is_empty());
    }

    #[test]
    fn any_few_places_go_round_the_channels_of_a_lane() {
        let channels = [ChannelId::EMAIL, ChannelId::IN_APP, ChannelId::PUSH];
        let low = |channel: &ChannelId| (Priority::Low, channel.clone());
        let open: Vec<_> = channels.iter().map(low).collect();
        for places in 1..8 {
            let mut turns = Turns::default();
            let mut got = [0; 3];
            for _ in 0..30 {
                let claims = shares(0, places, &open, &mut turns);
                assert_eq!(limit(&claims, Priority::Low) as usize, places);
                for (got, channel) in got.iter_mut().zip(&channels) {
                    let own = claims.iter().filter(|claim| claim.channel == *channel);
                    *got += own.map(|claim| claim.limit as usize).sum::<usize>();
                }
            }
            assert_eq!(got, [places * 10; 3], "{places} at a time");
        }
    }
}
