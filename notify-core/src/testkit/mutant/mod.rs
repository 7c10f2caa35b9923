//! Stores that each break one promise of the queue: what shows that the suites notice.
//!
//! A [`Mutant`] is a harness around the harness of a correct store. A suite is good enough when it kills every [`Mutation`].

mod digest;
mod feedback;
mod health;
mod lie;
mod privacy;
mod queue;
mod schedule;
mod store;

use async_trait::async_trait;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::digest::BucketId;
use crate::id::{DeliveryId, OwnerId, TenantId};
use crate::queue::{Job, KeptReport, KeyHash, Lease};
use crate::recipient::Recipient;
use crate::store::Store;
use crate::testkit::{Clause, ManualClock, StoreHarness};

macro_rules! mutations {
    ($($(#[$doc:meta])* $variant:ident),* $(,)?) => {
        /// A promise that is broken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Mutation { $($(#[$doc])* $variant),* }

        impl Mutation {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];
        }
    };
}

mutations! {
    /// A key that was used for another request is taken for a duplicate.
    ConflictIsDuplicate,
    /// Two equal keys in one batch are not compared with each other.
    KeysOfOneBatchDiffer,
    /// Whether a key is known is looked up first, and the item stored later.
    KeyIsCheckedThenStored,
    /// Keys of different tenants meet.
    KeysAreSharedByTenants,
    /// A premise is ignored at accept.
    AcceptIgnoresPremises,
    /// A refused item fails its batch.
    NeighbourFailsBatch,
    /// A job is moved on by whoever had it.
    AdvanceIsNotFenced,
    /// A job is not moved on.
    AdvanceIsForgotten,
    /// What was decided not to be sent is sent.
    SuppressedIsSent,
    /// What is due later is due now.
    DueTimeIsIgnored,
    /// Jobs that are no deliveries are not kept.
    JobsAreDropped,
    /// The lease is handed over before the commit.
    HandoffBeforeCommit,
    /// The lease is never handed over.
    HandoffIsForgotten,
    /// The lease is handed over, and the job is there for everyone.
    HandoffIsNotLent,
    /// Jobs are lent before they are due.
    ClaimLendsEarly,
    /// One more is lent than was asked for.
    ClaimIgnoresLimits,
    /// Jobs of other lanes are lent too.
    ClaimIgnoresLanes,
    /// What is lent is lent again.
    ClaimLendsTwice,
    /// A lease does not say that its job was being sent in a crash.
    ClaimForgetsInterruption,
    /// A lease does not say how many calls were made.
    ClaimForgetsCalls,
    /// A lease does not say what is fixed.
    ClaimForgetsTargets,
    /// A lease is said to hold twice as long as it does.
    LeaseHoldsTooLong,
    /// Neither claim nor reclaim raises the epoch.
    EpochStandsStill,
    /// Any lease begins.
    BeginIsNotFenced,
    /// A premise is ignored at begin.
    BeginIgnoresPremises,
    /// Only the first premise is looked at.
    BeginChecksOnePremise,
    /// Preferences that changed since hold.
    StaleStampHolds,
    /// A cap counts each begin.
    CapCountsBegins,
    /// A cap keeps what did not go out.
    CapGivesNothingBack,
    /// A cap gives back what may have gone out.
    CapGivesAllBack,
    /// Asking again to begin is fenced.
    BeginAgainIsFenced,
    /// What is fixed is not kept.
    BeginKeepsNoTargets,
    /// Any lease settles.
    SettleIsNotFenced,
    /// Asking again to settle is fenced.
    SettleAgainIsFenced,
    /// Asking again to settle is written again.
    SettleAgainIsWritten,
    /// An illegal settlement is taken for applied.
    IllegalIsApplied,
    /// Each settlement of a call is a commit of its own.
    SettleOneByOne,
    /// Why a delivery stands where it stands is not written.
    SettleForgetsReason,
    /// What a call costs is not written.
    SettleForgetsPrice,
    /// Which messages were taken is not kept.
    SettleForgetsMessages,
    /// Effects do not happen.
    EffectsAreForgotten,
    /// Effects happen though the settlement is fenced.
    EffectsOfTheFenced,
    /// A recipient of the call is kept for ever.
    PinnedIsKept,
    /// What is given back is due at once.
    ReleaseIgnoresDue,
    /// Any lease is given back.
    ReleaseIsNotFenced,
    /// What was begun is given back.
    ReleaseTakesWhatWasBegun,
    /// Every lease is said to be prolonged.
    ExtendNamesNothing,
    /// No lease is prolonged.
    ExtendDoesNothing,
    /// Dead owners keep their leases.
    ReclaimIgnoresOwners,
    /// Leases do not end.
    ReclaimIgnoresTime,
    /// Every lease is taken back.
    ReclaimTakesAll,
    /// A job may kill any number of owners.
    PoisonNeverDies,
    /// What is being sent is cancelled.
    CancelEndsSending,
    /// Dead letters are left as they are.
    CancelLeavesDeadLetters,
    /// Why something was cancelled is not written.
    CancelForgetsReason,
    /// Nobody who has a cancelled job is told.
    CancelledIsApplied,
    /// What operators do is not written down.
    OperatorsAreNotAudited,
    /// Operators reach every tenant.
    OperatorsReachAll,
    /// Everything can be requeued, it says.
    RequeueSaysYes,
    /// Dead letters come oldest first.
    DeadLettersOldestFirst,
    /// What is held for a person keeps its time.
    HastenIsForgotten,
    /// Everything that is held for a person is due, whatever it waits for.
    HastenIgnoresReasons,
    /// Whoever has something of a person keeps it, and decides by what was known before.
    HastenFencesNobody,
    /// There is room only after a whole window.
    UsageIsFixedWindow,
    /// Nothing is found under its key.
    KeysAreNotFound,
    /// What waits for its time is counted as ready.
    DepthCountsAllAsReady,
    /// What killed its owners is not counted.
    DepthHidesPoison,
    /// Dead letters are forgotten with what ended well.
    SweepForgetsDeadLetters,
    /// Dead letters are not counted apart.
    SweepCountsNoDeadLetters,
    /// Nothing is forgotten.
    SweepForgetsNothing,
    /// Everything is forgotten that has ended.
    SweepForgetsAll,
    /// Nobody is woken.
    NobodyIsWoken,
    /// Who waits comes back at once.
    NobodyWaits,
    /// Who waits does not come back by himself.
    WaitHasNoEnd,
    /// The store prints recipients.
    DebugShowsRecipients,
    /// Unknown ids have no entry.
    LoadSkipsUnknown,
    /// What is being sent reads as queued.
    SendingIsNotShown,
    /// History is not cut to its limit.
    HistoryIgnoresLimit,
    /// History begins with the oldest.
    HistoryOldestFirst,
    /// One more is counted than there is.
    HistoryCountsOneMore,
    /// The deliveries of a notification come in the wrong order.
    SiblingsInDisorder,
    /// Timelines of other tenants are shown.
    TimelineOfAnyTenant,
    /// The first event is left out.
    TimelineWithoutAccepted,
    /// A message is found whoever its provider is.
    FindIgnoresProvider,
    /// Nobody is found by an address.
    FindIgnoresAddress,
    /// A delivery is found without its messages.
    FindForgetsMessages,
    /// What happened since a report was judged does not matter.
    ReportIsNeverStale,
    /// A report moves what is in any state.
    ReportMovesAnything,
    /// A report reaches every tenant.
    ReportReachesAll,
    /// A report is written without what follows from it.
    ReportForgetsEffects,
    /// A report is written and its delivery left where it stands.
    ReportMovesNothing,
    /// What follows from a report happens though it is stale.
    EffectsOfTheStale,
    /// One stale report makes its neighbours stale.
    StaleFailsBatch,
    /// What was answered finds the last message, however often it is told.
    AnswersAreNotNoted,
    /// The last time of being seen stays.
    SeenIsLast,
    /// A report that was written is kept.
    AppliedIsKept,
    /// A report is kept as often as it is told.
    KeptIsCountedTwice,
    /// What is looked at is looked at again at once.
    LookPutsNothingOff,
    /// What is kept is looked at before its time.
    LookIsEarly,
    /// Nothing that is kept is forgotten.
    LookForgetsNothing,
    /// What is to be forgotten is kept.
    ForgetDoesNothing,
    /// The consent log begins with the newest.
    ConsentsNewestFirst,
    /// The consent log does not say in what words.
    ConsentsForgetWording,
    /// The suppression list is not cut to its limit.
    SuppressionsIgnoreLimit,
    /// Nobody is erased.
    EraseDoesNothing,
    /// Deliveries stay under another name than was asked for.
    EraseTakesAnyPseudonym,
    /// The recipient of an erasure is still known.
    EraseKeepsRecipients,
    /// Somebody else is erased too.
    EraseReachesAnother,
    /// What was suppressed is so no more.
    EraseLiftsSuppressions,
    /// What is being sent is not told of.
    ErasedSaysNothingIsSent,
    /// Who erased is not written down.
    ErasureIsNotAudited,
    /// Records are kept for ever.
    RecordsAreKept,
    /// Records are forgotten at once.
    RecordsAreNeverKept,
    /// Whoever writes last has the probe.
    HealthIsNotCompared,
    /// Parts of providers are not kept.
    HealthForgetsScopes,
    /// How long a provider is left alone is not kept.
    HealthForgetsUntil,
    /// A provider that is well has a record.
    WellIsKept,
    /// Nobody is told that something changed.
    HealthRevisionStands,
    /// What is known of providers is kept for ever.
    HealthIsNotSwept,
    /// Each delivery gathers by itself.
    JoinOpensAnother,
    /// What gathers with others goes at once.
    JoinIsSent,
    /// What only begins to gather joins.
    BeginningJoins,
    /// What gathers is told apart by its key whoever's it is.
    BucketsAreShared,
    /// What gathers is never full.
    MaxItemsIsIgnored,
    /// It does not matter whether something gathers.
    BucketPremiseIsIgnored,
    /// A digest leaves with those that it knows, whoever joined since.
    FlushIsNeverStale,
    /// A digest leaves, and its members stay.
    FlushForgetsMembers,
    /// Those that are alone stay.
    FlushReleasesNothing,
    /// Those that are not to be sent leave with the digest.
    FlushMergesAll,
    /// Members come in the wrong order.
    MembersInDisorder,
    /// What was taken back still waits.
    CancelledStillWaits,
    /// What is sealed still takes members.
    SealDoesNothing,
    /// What is to leave now leaves at its time.
    FlushKeepsItsTime,
    /// What is to be decided again takes no more members.
    RecheckSeals,
    /// A schedule is written whatever version it has.
    AnyVersionIsWritten,
    /// A schedule that was not written is said to be.
    LostWriteIsTold,
    /// A schedule gets no job.
    TickIsForgotten,
    /// The job of a schedule is due at once.
    TickIsDueAtOnce,
    /// The job of a schedule that is paused stays.
    TickIsNotEnded,
    /// The job of a schedule that is changed is gone.
    TickIsNotKept,
    /// A schedule is never paused.
    PauseIsForgotten,
    /// Nobody knows when a schedule is looked at.
    NextIsNotTold,
    /// Schedules of anybody are listed.
    ListIgnoresRecipient,
    /// Schedules of any time are listed.
    ListIgnoresTime,
    /// Schedules are listed in another order.
    ListInDisorder,
    /// A failure is noted whatever version failed.
    FailureOfAnyVersion,
    /// What is held for anybody is given.
    PendingOfAnybody,
    /// What is held for any reason is given.
    PendingForAnyReason,
    /// Every page is the first.
    PendingForgetsPage,
    /// What is moved asks for what it asked for before.
    MoveKeepsRequest,
    /// What is moved expires as before.
    MoveKeepsExpiry,
    /// What is moved is due at once.
    MovedIsDueAtOnce,
    /// What is held for something else is moved.
    MoveIgnoresReasons,
    /// Deliveries of any tenant are moved.
    MoveReachesAll,
}

/// Opens the stores of another harness, each with one promise broken.
#[derive(Debug)]
pub struct Mutant<H> {
    inner: H,
    mutation: Option<Mutation>,
}

impl<H> Mutant<H> {
    /// Stores that break this promise.
    #[must_use]
    pub const fn new(inner: H, mutation: Mutation) -> Self {
        Self {
            inner,
            mutation: Some(mutation),
        }
    }

    /// Stores that break no promise: what every suite must pass.
    #[must_use]
    pub const fn faithful(inner: H) -> Self {
        Self {
            inner,
            mutation: None,
        }
    }
}

#[async_trait]
impl<H: StoreHarness> StoreHarness for Mutant<H> {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(MutantStore::new(self.inner.open().await, self.mutation))
    }

    async fn reopen(&self) -> Arc<dyn Store> {
        Arc::new(MutantStore::new(self.inner.reopen().await, self.mutation))
    }

    fn durable(&self) -> bool {
        self.inner.durable()
    }

    fn clock(&self) -> Arc<ManualClock> {
        self.inner.clock()
    }
}

/// The first clause that this harness breaks, and that is the end of it.
#[must_use]
pub fn killed_by<H: StoreHarness + 'static>(
    new: impl Fn() -> H,
    suites: &[&[Clause<dyn StoreHarness>]],
) -> Option<&'static str> {
    let breaks = |clause: &&Clause<dyn StoreHarness>| {
        let harness = new();
        catch_unwind(AssertUnwindSafe(|| clause.check(&harness))).is_err()
    };
    suites
        .iter()
        .flat_map(|suite| suite.iter())
        .find(breaks)
        .map(Clause::name)
}

/// A store that breaks a promise.
struct MutantStore {
    inner: Arc<dyn Store>,
    mutation: Option<Mutation>,
    memo: Arc<Mutex<Memo>>,
}

/// What mutants remember, each for its own lie.
#[derive(Default)]
struct Memo {
    /// The newest epoch of each job that was seen, and whose it is.
    newest: HashMap<Job, (u32, OwnerId)>,
    lent: Vec<Lease>,
    sending: HashMap<Job, Lease>,
    begun: HashSet<(Job, u32)>,
    settled: HashSet<(Job, u32)>,
    written_again: HashMap<DeliveryId, usize>,
    keys: HashMap<KeyHash, TenantId>,
    checked: HashSet<KeyHash>,
    looking: usize,
    tenants: BTreeSet<TenantId>,
    pinned: HashMap<DeliveryId, Arc<Recipient>>,
    recipients: Vec<String>,
    looked: Vec<KeptReport>,
    joined: HashMap<BucketId, Vec<DeliveryId>>,
}

impl MutantStore {
    fn new(inner: Arc<dyn Store>, mutation: Option<Mutation>) -> Self {
        Self {
            inner,
            mutation,
            memo: Arc::default(),
        }
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    fn memo(&self) -> MutexGuard<'_, Memo> {
        self.memo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A second lease of the same loan.
fn copy(lease: &Lease) -> Lease {
    let mut copy = Lease::new(
        lease.tenant.clone(),
        lease.job,
        lease.priority,
        lease.channel.clone(),
        lease.epoch,
        lease.until,
    );
    copy.sends = lease.sends;
    copy.crashes = lease.crashes;
    copy.interrupted = lease.interrupted;
    copy.frozen.clone_from(&lease.frozen);
    copy.payload.clone_from(&lease.payload);
    copy
}
