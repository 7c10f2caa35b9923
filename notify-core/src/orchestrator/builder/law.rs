//! What the law asks of marketing mail, and the links that prove themselves.

use std::sync::Arc;

use crate::orchestrator::{OrchestratorBuilder, SignedLinks};
use crate::token::TokenKeys;

impl OrchestratorBuilder {
    /// Where the links in messages lead: signed ones, whose tokens this system takes back. Sets [`links`](Self::links) and
    /// [`token_keys`](Self::token_keys).
    pub fn signed_links(mut self, links: SignedLinks) -> Self {
        self.tokens = Some(links.keys().clone());
        self.links = Some(Arc::new(links));
        self
    }

    /// The keys of the tokens that are taken: by `unsubscribe`, `confirm`, `track` and `report`. For applications whose own
    /// [`Links`](crate::orchestrator::Links) carry tokens.
    pub fn token_keys(mut self, keys: TokenKeys) -> Self {
        self.tokens = Some(keys);
        self
    }

    /// The provider's vendor puts a way to unsubscribe into marketing mail by itself. Default: not so, and marketing mail is suppressed
    /// (`no_unsubscribe`) unless there are [`links`](Self::links).
    pub fn unsubscribe_by_provider(mut self) -> Self {
        self.mail = self.mail.with_unsubscribe_by_provider(true);
        self
    }

    /// Where the sender can be reached by post, in one line: `postal_address` in templates. Marketing mail that does not show it gets it
    /// at its end. Default: none.
    pub fn postal_address(mut self, address: impl Into<String>) -> Self {
        self.mail = self.mail.with_postal_address(address);
        self
    }

    /// Marketing mail is suppressed (`no_postal_address`) unless there is a [`postal_address`](Self::postal_address): for those who send to
    /// the USA (CAN-SPAM, 15 U.S.C. § 7704 (a)(5)). Default: not required, since other laws ask for other things.
    pub fn require_postal_address(mut self) -> Self {
        self.mail = self.mail.require_postal_address(true);
        self
    }
}
