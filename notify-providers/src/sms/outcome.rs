//! What became of a message that did not arrive, in the words of all vendors.

use notify_core::provider::{Bounce, Fault, ProviderEventKind};

/// Why a message did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The phone was off or out of reach for too long; the number lives.
    Absent,
    /// Our account, its money or its sender: an operator must act.
    Account,
    /// No such number, blocked for good, or it cannot get texts.
    Dead,
    /// The time for which the vendor tried is over.
    Expired,
    /// Taken for spam, or forbidden by the network or the receiver; the number lives.
    Filtered,
    /// The receiver wants nothing from us, or the vendor's list says so.
    OptedOut,
    /// The vendor does not do this: no route, a limit on the content.
    Rejected,
    /// The vendor or a network failed.
    Vendor,
}

impl Outcome {
    /// The event, and whose fault it was under the vendor's code.
    pub(crate) fn event(self, code: &str) -> (ProviderEventKind, Option<Fault>) {
        let code = code.to_owned();
        let bounced = ProviderEventKind::bounced;
        let (kind, fault) = match self {
            Self::Absent => (bounced(Bounce::Soft), Fault::provider(code)),
            Self::Account => (ProviderEventKind::Failed, Fault::config(code)),
            Self::Dead => (bounced(Bounce::Hard), Fault::recipient(code)),
            Self::Expired | Self::Vendor => (ProviderEventKind::Failed, Fault::provider(code)),
            Self::Filtered => (bounced(Bounce::Blocked), Fault::request(code)),
            Self::OptedOut => (bounced(Bounce::Suppressed), Fault::recipient(code)),
            Self::Rejected => (ProviderEventKind::Failed, Fault::request(code)),
        };
        (kind, Some(fault))
    }

    /// The row of a table that has this code.
    pub(crate) fn find(table: &[(&str, Self)], code: &str) -> Option<Self> {
        let row = table.iter().find(|(known, _)| *known == code);
        row.map(|(_, outcome)| *outcome)
    }
}

/// The event of a status in the words of SMPP 3.4 (§5.2.28, and the short forms of Appendix B), which vendors write in capitals or not,
/// and behind a name of their own: `delivered`, `DELIVRD`, `MT_STATUS_DELIVERED`.
pub(crate) fn of_words(status: &str) -> (ProviderEventKind, Option<Fault>) {
    let word = status.to_ascii_lowercase();
    let word = word.rsplit("status_").next().unwrap_or_default();
    match word {
        "accepted" | "acceptd" | "buffered" | "created" | "enroute" | "processing" | "queued"
        | "scheduled" | "sent" => (ProviderEventKind::Accepted, None),
        "delivered" | "delivrd" => (ProviderEventKind::Delivered, None),
        "read" | "seen" => (ProviderEventKind::Opened, None),
        "expired" => Outcome::Expired.event("expired"),
        "rejected" | "rejectd" => Outcome::Rejected.event("rejected"),
        "deleted" => Outcome::Vendor.event("deleted"),
        "failed" => Outcome::Vendor.event("failed"),
        "not_delivered" | "undelivered" | "undeliverable" | "undeliv" => {
            Outcome::Vendor.event("undelivered")
        }
        _ => (ProviderEventKind::unknown(status), None),
    }
}
