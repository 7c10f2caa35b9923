//! What settlements and reports say of addresses: suppressed, bounced softly once more, reached.

use notify_core::preference::{
    AddressHash, BounceTally, Suppression, SuppressionScope, SuppressionSource,
};
use notify_core::queue::Effect;
use notify_core::{ChannelId, Result, TenantId, Timestamp};

use crate::row::{Args, column, json, to_json};
use crate::session::Session;
use crate::suppression;

/// The addresses that effects may suppress.
pub(super) fn places(effects: &[Effect]) -> Vec<suppression::Place> {
    let place = |effect: &Effect| match effect {
        Effect::Suppress {
            channel, address, ..
        }
        | Effect::SoftBounce {
            channel, address, ..
        } => Some((channel.clone(), *address)),
        _ => None,
    };
    effects.iter().filter_map(place).collect()
}

/// Carries out what concerns addresses. Whoever calls it holds what [`suppression::change`] returned for their places.
pub(super) async fn carry_out(
    db: &mut Session<'_>,
    tenant: &TenantId,
    effects: &[Effect],
    now: Timestamp,
) -> Result<()> {
    let mut entries = Vec::new();
    for effect in effects {
        let Some((channel, address)) = place(effect) else {
            continue;
        };
        let whose = Whose {
            tenant,
            channel,
            address,
        };
        let (scope, source) = match effect {
            Effect::Suppress { scope, source, .. } => (*scope, *source),
            Effect::SoftBounce { at, rule, .. } => {
                let mut tally = whose.tally(db).await?.unwrap_or_default();
                let is_spent = tally.bounced(*at, *rule);
                let over = (*at).max(now) + rule.within;
                whose.put(db, &tally, over).await?;
                if !is_spent {
                    continue;
                }
                (SuppressionScope::All, SuppressionSource::Bounce)
            }
            Effect::Arrived { at, .. } => {
                if let Some(mut tally) = whose.tally(db).await? {
                    tally.arrived(*at);
                    whose.put(db, &tally, now).await?;
                }
                continue;
            }
            _ => continue,
        };
        let entry = Suppression::new(channel.clone(), *address, scope, source, now);
        entries.push(entry);
    }
    suppression::put(db, tenant, &entries).await
}

const fn place(effect: &Effect) -> Option<(&ChannelId, &AddressHash)> {
    match effect {
        Effect::Suppress {
            channel, address, ..
        }
        | Effect::SoftBounce {
            channel, address, ..
        }
        | Effect::Arrived {
            channel, address, ..
        } => Some((channel, address)),
        _ => None,
    }
}

/// One address of one tenant.
struct Whose<'a> {
    tenant: &'a TenantId,
    channel: &'a ChannelId,
    address: &'a AddressHash,
}

impl Whose<'_> {
    fn args(&self) -> Args {
        Args::new()
            .with(self.tenant.as_str())
            .with(self.channel.as_str())
            .with(&self.address.as_bytes()[..])
    }

    async fn tally(&self, db: &mut Session<'_>) -> Result<Option<BounceTally>> {
        let text = include_str!("../../sql/bounce_load.sql");
        let row = db.first(text, self.args()).await?;
        row.map(|row| json(column(&row, 0)?, "bounce")).transpose()
    }

    async fn put(&self, db: &mut Session<'_>, tally: &BounceTally, over: Timestamp) -> Result<()> {
        let args = self.args().with(to_json(tally)?).with(over.as_micros());
        db.execute(include_str!("../../sql/bounce_put.sql"), args)
            .await?;
        Ok(())
    }
}
