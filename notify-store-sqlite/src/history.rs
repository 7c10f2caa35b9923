//! Which deliveries a person has: runs that are merged as they age, so that an accept writes a few pages and not one for each person.
//!
//! Within a run, entries are in the order of bucket, tenant, recipient and number. A young run takes the deliveries of 1,024
//! numbers; 64 of them are merged into one old run, one bucket at a time, about once for every 1,024 deliveries that are accepted.
//! To find a person's deliveries is to look into each run: some hundred at ten million deliveries.

use notify_core::{RecipientId, Result, TenantId};

use crate::row::{Args, column};
use crate::session::Session;

/// Deliveries in a young run: 2 to the power of this.
const YOUNG: u32 = 10;
/// Deliveries in an old run: 2 to the power of this.
const OLD: u32 = 16;
/// In how many pieces runs are merged.
const BUCKETS: u64 = 64;

/// The bucket of a person: FNV-1a over tenant and id. Stored, so it never changes.
pub(crate) fn bucket(tenant: &TenantId, recipient: &RecipientId) -> i64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let tenant = tenant.as_str().bytes();
    for byte in tenant.chain([0]).chain(recipient.as_str().bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    i64::try_from((hash >> 32) % BUCKETS).unwrap_or(0)
}

/// The runs in which the entry of a delivery may be: young or old.
pub(crate) const fn runs(no: i64) -> [i64; 2] {
    [no >> YOUNG, -1 - (no >> OLD)]
}

/// Whether a merge is due after the deliveries up to `last` were added to those before `first`.
pub(crate) const fn is_merge_due(first: i64, last: i64) -> bool {
    first >> YOUNG != last >> YOUNG
}

/// Merges one bucket of the oldest young runs, if all of their numbers are given away; answers whether there was one.
pub(crate) async fn merge(db: &mut Session<'_>, last: i64) -> Result<bool> {
    let row = db
        .first(include_str!("../sql/history_oldest.sql"), Args::new())
        .await?;
    let Some(row) = row else { return Ok(false) };
    let (run, bucket): (i64, i64) = (column(&row, 0)?, column(&row, 1)?);
    let block = run >> (OLD - YOUNG);
    if block >= last >> OLD {
        return Ok(false);
    }
    let first = block << (OLD - YOUNG);
    let end = (block + 1) << (OLD - YOUNG);
    let args = Args::new().with(first).with(end).with(bucket);
    // Twice, for the two statements that run one after the other.
    let args = args.with(-1 - block).with(first).with(end).with(bucket);
    db.execute(include_str!("../sql/history_merge.sql"), args)
        .await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_used_evenly_and_never_change() {
        let tenant = TenantId::new("acme");
        let mut counts = [0_u32; 64];
        for no in 0..64_000 {
            let bucket = bucket(
                &tenant,
                &RecipientId::from(format!("user-{no}@example.com")),
            );
            counts[usize::try_from(bucket).expect("below 64")] += 1;
        }
        assert!(
            counts.iter().all(|count| (700..1_300).contains(count)),
            "{counts:?}"
        );
        assert_eq!(
            bucket(&tenant, &RecipientId::new("ada")),
            bucket(&tenant, &"ada".into())
        );
        let known = ["ada", "bob", ""].map(|id| bucket(&tenant, &RecipientId::new(id)));
        assert_eq!(known, KNOWN);
    }

    /// As they were in the first version.
    const KNOWN: [i64; 3] = [14, 14, 57];

    #[test]
    fn a_merge_is_due_once_for_each_young_run() {
        assert!(!is_merge_due(1, 1_023));
        assert!(is_merge_due(1_000, 1_024));
        assert_eq!(runs(65_535), [63, -1]);
        assert_eq!(runs(65_536), [64, -2]);
    }
}
