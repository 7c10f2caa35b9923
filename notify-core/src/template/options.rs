//! How the cache of compiled templates behaves.

use std::time::Duration;

use crate::template::limits::TemplateLimits;

/// How a [`TemplateCache`](crate::template::TemplateCache) behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// What each template may take.
    pub limits: TemplateLimits,
    /// How often a tenant's revision is read, at most. Default: 500 ms, so that a change is seen within a second.
    pub poll: Duration,
    /// How long one call of the store may take. Default: 5 s; after that the old templates serve on.
    pub patience: Duration,
    /// How many releases are kept compiled for each tenant, besides the current one. Default: 8,
    /// some hours of deliveries that wait while templates are edited.
    pub releases: usize,
    /// For how many tenants engines are kept. Default: 1,000. Tenants without templates of their own
    /// share the engine of the files.
    pub tenants: usize,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl CacheOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            limits: TemplateLimits::new(),
            poll: Duration::from_millis(500),
            patience: Duration::from_secs(5),
            releases: 8,
            tenants: 1_000,
        }
    }

    /// With other limits for templates.
    #[must_use]
    pub const fn with_limits(mut self, limits: TemplateLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Reads a tenant's revision at most this often.
    #[must_use]
    pub const fn with_poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// Waits at most this long for the store.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Keeps this many releases of each tenant.
    #[must_use]
    pub const fn with_releases(mut self, releases: usize) -> Self {
        self.releases = releases;
        self
    }

    /// Keeps the engines of this many tenants.
    #[must_use]
    pub const fn with_tenants(mut self, tenants: usize) -> Self {
        self.tenants = tenants;
        self
    }
}
