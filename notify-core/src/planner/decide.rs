//! One delivery's decision: the same function at accept, at recheck and in `explain`.

use crate::address::Address;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::delivery::{Decision, Reason, Trace};
use crate::id::ChannelId;
use crate::notification::{Category, Class, NotificationRequest};
use crate::planner::Rules;
use crate::planner::timing::timing;
use crate::preference::{AddressHash, Allowed, Preferences, SuppressionScope, allowed};
use crate::recipient::Recipient;

/// One address of a recipient, and whether it is suppressed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Addressed {
    /// The channel it was asked for.
    pub channel: ChannelId,
    /// The address.
    pub address: Address,
    /// Its hash in the store.
    pub hash: AddressHash,
    /// What it must not be used for.
    pub suppressed: Option<SuppressionScope>,
}

impl Addressed {
    /// An address and what the store says of it.
    #[must_use]
    pub const fn new(
        channel: ChannelId,
        address: Address,
        hash: AddressHash,
        suppressed: Option<SuppressionScope>,
    ) -> Self {
        Self {
            channel,
            address,
            hash,
            suppressed,
        }
    }

    /// Whether it may be used for a message of this class.
    #[must_use]
    pub fn is_usable(&self, class: Class) -> bool {
        match self.suppressed {
            None => true,
            Some(SuppressionScope::Marketing) => class != Class::Marketing,
            Some(SuppressionScope::All) => false,
        }
    }
}

/// Everything a decision about one recipient depends on, as it was at one instant.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// Who is told; `None` if nobody knows them any more.
    pub recipient: Option<Recipient>,
    /// What they want; `None` if that could not be read: then only mandatory categories go.
    pub preferences: Option<Preferences>,
    /// Their addresses for the channels of the route.
    pub addresses: Vec<Addressed>,
    /// The instant.
    pub now: Timestamp,
}

impl Snapshot {
    /// What is known of a recipient.
    #[must_use]
    pub const fn new(
        recipient: Option<Recipient>,
        preferences: Option<Preferences>,
        addresses: Vec<Addressed>,
        now: Timestamp,
    ) -> Self {
        Self {
            recipient,
            preferences,
            addresses,
            now,
        }
    }

    /// The addresses for one channel.
    pub fn addresses_of<'a>(
        &'a self,
        channel: &'a ChannelId,
    ) -> impl Iterator<Item = &'a Addressed> {
        self.addresses
            .iter()
            .filter(move |addressed| addressed.channel == *channel)
    }
}

/// A decision and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// What is to become of it.
    pub decision: Decision,
    /// Every rule that was asked.
    pub trace: Trace,
    /// Until when `Send` stands: then quiet hours begin, or a send window ends. `None` is for ever.
    pub valid_until: Option<Timestamp>,
    /// A silent channel that may take it now, where quiet hours would hold it.
    pub reroute: Option<ChannelId>,
    /// Quiet hours hold it, to leave at their end with what else they held.
    pub gathers: bool,
}

impl Verdict {
    const fn new(decision: Decision, trace: Trace) -> Self {
        Self {
            decision,
            trace,
            valid_until: None,
            reroute: None,
            gathers: false,
        }
    }

    const fn suppress(reason: Reason, trace: Trace) -> Self {
        Self::new(Decision::Suppress { reason }, trace)
    }
}

/// What is decided, besides what is known of the person.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "an input that callers build")]
pub struct Deciding<'a> {
    /// What the application configured.
    pub rules: &'a Rules,
    /// What happened.
    pub request: &'a NotificationRequest,
    /// Of which kind it is.
    pub category: &'a Category,
    /// Where it would go.
    pub channel: &'a ChannelId,
    /// Whether there is a template or content for the channel.
    pub renderable: bool,
    /// From when on it is not worth sending.
    pub expires_at: Option<Timestamp>,
    /// Whether it waits for another step: then the clock is asked when that step is over.
    pub waits: bool,
    /// The instant.
    pub now: Timestamp,
}

/// What is to become of one delivery.
#[must_use]
pub fn decide(deciding: &Deciding<'_>, snapshot: &Snapshot) -> Verdict {
    let Deciding {
        rules,
        request,
        category,
        channel,
        expires_at,
        now,
        ..
    } = *deciding;
    let mut trace = Trace::default();
    let Some(recipient) = &snapshot.recipient else {
        trace.hit("recipient");
        return Verdict::suppress(Reason::UnknownRecipient, trace);
    };
    if trace.rule("own_act", request.actor() == Some(recipient.id())) {
        return Verdict::suppress(Reason::OwnAct, trace);
    }
    if trace.rule("expiry", expires_at.is_some_and(|at| now >= at)) {
        return Verdict::suppress(Reason::Expired, trace);
    }
    let served = rules.served().contains(channel) && rules.channel(channel).is_some();
    if trace.rule("provider", !served) {
        return Verdict::suppress(Reason::NoProvider, trace);
    }
    if trace.rule("template", !deciding.renderable) {
        return Verdict::suppress(Reason::NoTemplate, trace);
    }
    match preference(rules, category, channel, snapshot) {
        None => trace.pass("preference"),
        Some(reason) => {
            trace.hit("preference");
            return Verdict::suppress(reason, trace);
        }
    }
    for (rule, lacks, reason) in rules.mail().asked(category, channel).into_iter().flatten() {
        if trace.rule(rule, lacks) {
            return Verdict::suppress(reason, trace);
        }
    }
    let mut addresses = snapshot.addresses_of(channel).peekable();
    if trace.rule("address", addresses.peek().is_none()) {
        return Verdict::suppress(Reason::NoAddress, trace);
    }
    let usable = addresses.any(|addressed| addressed.is_usable(category.class()));
    if trace.rule("suppression", !usable) {
        return Verdict::suppress(Reason::AddressSuppressed, trace);
    }
    if deciding.waits {
        return Verdict::new(Decision::Send, trace);
    }
    let timing = timing(deciding, recipient, snapshot, &mut trace);
    Verdict {
        decision: timing.decision,
        trace,
        valid_until: timing.valid_until,
        reroute: timing.reroute,
        gathers: timing.gathers,
    }
}

fn preference(
    rules: &Rules,
    category: &Category,
    channel: &ChannelId,
    snapshot: &Snapshot,
) -> Option<Reason> {
    let Some(preferences) = &snapshot.preferences else {
        // Fails closed: to send against a person's will is worse than to send late.
        return (!category.is_mandatory()).then_some(Reason::OptedOut);
    };
    match allowed(category, channel, rules.defaults(), preferences) {
        Allowed::Yes => None,
        Allowed::OptedOut => Some(Reason::OptedOut),
        Allowed::NoConsent => Some(Reason::NoConsent),
        Allowed::NotAllowed => Some(Reason::NotAllowed),
    }
}

/// The addresses of a recipient for one channel that may be used, by what the snapshot knows.
impl Snapshot {
    /// The usable addresses for one channel, for the targets of a first call.
    #[must_use]
    pub fn usable(&self, channel: &dyn Channel, class: Class) -> Vec<&Addressed> {
        let id = channel.id();
        self.addresses
            .iter()
            .filter(|a| a.channel == id && a.is_usable(class))
            .collect()
    }
}
