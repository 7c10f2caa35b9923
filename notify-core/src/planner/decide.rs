//! One delivery's decision: the same function at accept, at recheck and in `explain`.

use crate::address::Address;
use crate::channel::Channel;
use crate::clock::Timestamp;
use crate::delivery::{Decision, Reason, Trace};
use crate::id::ChannelId;
use crate::notification::{Category, Class, NotificationRequest};
use crate::planner::Rules;
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
}

/// Asks the rules in order; the first that has something against it decides.
struct Asking {
    trace: Trace,
}

impl Asking {
    /// Whether the rule has something against it.
    fn rule(&mut self, name: &'static str, hit: bool) -> bool {
        if hit {
            self.trace.hit(name);
        } else {
            self.trace.pass(name);
        }
        hit
    }

    fn suppress(self, reason: Reason) -> Verdict {
        Verdict {
            decision: Decision::Suppress { reason },
            trace: self.trace,
        }
    }
}

/// What is to become of one delivery.
///
/// `rendered` says whether there is a template or content for the channel; `expires_at` from when on it is not worth sending.
#[must_use]
pub fn decide(
    rules: &Rules,
    request: &NotificationRequest,
    category: &Category,
    channel: &ChannelId,
    renderable: bool,
    expires_at: Option<Timestamp>,
    snapshot: &Snapshot,
) -> Verdict {
    let mut asking = Asking {
        trace: Trace::default(),
    };
    let Some(recipient) = &snapshot.recipient else {
        asking.rule("recipient", true);
        return asking.suppress(Reason::UnknownRecipient);
    };
    if asking.rule("own_act", request.actor() == Some(recipient.id())) {
        return asking.suppress(Reason::OwnAct);
    }
    if asking.rule("expiry", expires_at.is_some_and(|at| snapshot.now >= at)) {
        return asking.suppress(Reason::Expired);
    }
    let served = rules.served().contains(channel) && rules.channel(channel).is_some();
    if asking.rule("provider", !served) {
        return asking.suppress(Reason::NoProvider);
    }
    if asking.rule("template", !renderable) {
        return asking.suppress(Reason::NoTemplate);
    }
    match preference(rules, category, channel, snapshot) {
        None => asking.trace.pass("preference"),
        Some(reason) => {
            asking.trace.hit("preference");
            return asking.suppress(reason);
        }
    }
    let mut addresses = snapshot.addresses_of(channel).peekable();
    if asking.rule("address", addresses.peek().is_none()) {
        return asking.suppress(Reason::NoAddress);
    }
    if asking.rule(
        "suppression",
        !addresses.any(|addressed| addressed.is_usable(category.class())),
    ) {
        return asking.suppress(Reason::AddressSuppressed);
    }
    Verdict {
        decision: Decision::Send,
        trace: asking.trace,
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
