//! The kinds of push that Apple tells apart.

use notify_core::{Error, ErrorKind};
use std::fmt;
use std::str::FromStr;

/// What kind of push a message is (`apns-push-type`). Apple wants it to match the payload, and for most kinds another topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PushType {
    /// Shows, counts or sounds.
    Alert,
    /// Wakes the application and shows nothing.
    Background,
    /// Updates a complication of a watch.
    Complication,
    /// Updates a control.
    Controls,
    /// Tells a file provider that files changed.
    FileProvider,
    /// Starts, updates or ends a Live Activity.
    LiveActivity,
    /// Asks for the location.
    Location,
    /// Tells a device to contact its management.
    Mdm,
    /// Tells of speech in a channel of Push to Talk.
    PushToTalk,
    /// Rings.
    Voip,
    /// Updates widgets.
    Widgets,
}

impl PushType {
    const ALL: [Self; 11] = [
        Self::Alert,
        Self::Background,
        Self::Complication,
        Self::Controls,
        Self::FileProvider,
        Self::LiveActivity,
        Self::Location,
        Self::Mdm,
        Self::PushToTalk,
        Self::Voip,
        Self::Widgets,
    ];

    /// Apple's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Background => "background",
            Self::Complication => "complication",
            Self::Controls => "controls",
            Self::FileProvider => "fileprovider",
            Self::LiveActivity => "liveactivity",
            Self::Location => "location",
            Self::Mdm => "mdm",
            Self::PushToTalk => "pushtotalk",
            Self::Voip => "voip",
            Self::Widgets => "widgets",
        }
    }

    /// What its topic ends in, behind the bundle id.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Alert | Self::Background | Self::Mdm => "",
            Self::Complication => ".complication",
            Self::Controls => ".push-type.controls",
            Self::FileProvider => ".pushkit.fileprovider",
            Self::LiveActivity => ".push-type.liveactivity",
            Self::Location => ".location-query",
            Self::PushToTalk => ".voip-ptt",
            Self::Voip => ".voip",
            Self::Widgets => ".push-type.widgets",
        }
    }

    /// The most bytes of its payload.
    pub(super) const fn max_payload(self) -> usize {
        match self {
            Self::Voip => 5_120,
            _ => 4_096,
        }
    }
}

impl fmt::Display for PushType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for PushType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.as_str() == name).ok_or_else(|| {
            let why = "must be a push type of APNs, such as alert or voip";
            Error::new(ErrorKind::Config, why).field("push_type")
        })
    }
}
