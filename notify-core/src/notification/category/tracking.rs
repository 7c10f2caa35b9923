//! Whether it is recorded that messages of a category are opened and clicked: off, unless the category says so.

use crate::notification::Category;

/// What is recorded of what readers do with messages of a category. Default: nothing, since it is data about people.
///
/// Needs links that can carry it, such as [`SignedLinks`](crate::orchestrator::SignedLinks). Where the system tracks, the vendor is told not to.
///
/// ```
/// use notify_core::Category;
/// use notify_core::notification::Tracking;
///
/// let news = Category::marketing("news").with_tracking(Tracking::none().with_opens().with_clicks());
/// assert!(news.tracking().opens && !news.tracking().reports);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Tracking {
    /// A picture in HTML mail that nobody sees. Mail programs that load pictures by themselves or never make it a guess.
    pub opens: bool,
    /// Links in HTML mail lead through the application's redirect. A link with the attribute `data-untracked` stays as it is.
    pub clicks: bool,
    /// Messages carry a token with which the application's own client reports: `report_token` in templates and in the data of a push.
    pub reports: bool,
}

impl Tracking {
    /// Nothing is recorded.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            opens: false,
            clicks: false,
            reports: false,
        }
    }

    /// Opened mails are.
    #[must_use]
    pub const fn with_opens(mut self) -> Self {
        self.opens = true;
        self
    }

    /// Clicked links are.
    #[must_use]
    pub const fn with_clicks(mut self) -> Self {
        self.clicks = true;
        self
    }

    /// What the application's client reports is.
    #[must_use]
    pub const fn with_reports(mut self) -> Self {
        self.reports = true;
        self
    }
}

impl Category {
    /// What is recorded of what readers do with its messages.
    #[must_use]
    pub const fn with_tracking(mut self, tracking: Tracking) -> Self {
        self.tracking = tracking;
        self
    }

    /// What is recorded of what readers do with its messages.
    #[must_use]
    pub const fn tracking(&self) -> Tracking {
        self.tracking
    }
}
