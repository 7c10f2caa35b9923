//! Agreeing and withdrawing: by link, in two steps, or by the application on somebody's behalf.

use std::sync::Arc;

use crate::audit::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{CategoryId, ChannelId, RecipientId, TenantId};
use crate::notification::{Class, NotificationRequest, To};
use crate::orchestrator::engagement::follow_unsubscribe;
use crate::orchestrator::operator::without;
use crate::orchestrator::{Orchestrator, SendReport, short};
use crate::preference::{ConsentEntry, PreferenceChange, Preferences, Setting};
use crate::token::{Grant, Token, TokenError};

/// The longest source or wording of a consent that is asked for by link, in bytes: it travels in the link.
const MAX_WORDING: usize = 600;

/// What somebody asked to agree to, before they have confirmed it.
///
/// ```
/// use notify_core::orchestrator::ConsentRequest;
///
/// let asked = ConsentRequest::new("news", "sign-up form", "Send me the newsletter, once a week. I can stop it at any time.");
/// # let _ = asked;
/// ```
#[derive(Clone, Debug)]
pub struct ConsentRequest {
    category: CategoryId,
    source: String,
    wording: String,
}

impl ConsentRequest {
    /// Asked for this category, here, in answer to these words.
    #[must_use]
    pub fn new(
        category: impl Into<CategoryId>,
        source: impl Into<String>,
        wording: impl Into<String>,
    ) -> Self {
        Self {
            category: category.into(),
            source: source.into(),
            wording: wording.into(),
        }
    }
}

/// Who followed a link, and what it was about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Followed {
    /// Whose customer.
    pub tenant: TenantId,
    /// Who.
    pub recipient: RecipientId,
    /// Which category; `None` of a link to all preferences.
    pub category: Option<CategoryId>,
    /// Whether anything changed: false if it was so before.
    pub changed: bool,
}

impl Orchestrator {
    /// Unsubscribes whoever has this token from its category, on every channel: what List-Unsubscribe posts to (RFC 8058), and a button on
    /// the page behind the link. Holds at once, also for what is queued. Safe to repeat. The tenant is the token's.
    ///
    /// A category of marketing loses its consent, and the consent log says by what; any other is switched off on each channel.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] naming `token` if it is forged, expired or for something else; [`ErrorKind::Unsupported`] if the category is
    /// not optional; an error of the store: answer 503, and the mail program tries again.
    pub async fn unsubscribe(&self, token: &str) -> Result<Followed> {
        let token = self.verified(token)?;
        let Grant::Unsubscribe {
            recipient,
            category,
            delivery,
        } = token.grant
        else {
            return Err(TokenError::WrongKind.into_error());
        };
        let own = self.tenant(token.tenant);
        let source = "unsubscribe link";
        let changed = own.switch_off(&recipient, &category, None, source).await?;
        metrics::counter!("notifications_unsubscribed_total").increment(u64::from(changed));
        // They are left alone whatever becomes of the timeline.
        if let Err(error) = follow_unsubscribe(&own, delivery).await {
            tracing::warn!(error = %error, delivery = %delivery, "cannot note in the timeline that somebody unsubscribed");
        }
        Ok(Followed {
            tenant: own.tenant,
            recipient,
            category: Some(category),
            changed,
        })
    }

    /// Whose preferences a link leads to: for the page behind `preferences_url`, which then asks
    /// [`preference_matrix`](Self::preference_matrix) of that tenant.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] naming `token` if it is forged, expired or for something else.
    pub fn preferences_of(&self, token: &str) -> Result<Followed> {
        let token = self.verified(token)?;
        let Grant::Preferences { recipient } = token.grant else {
            return Err(TokenError::WrongKind.into_error());
        };
        Ok(Followed {
            tenant: token.tenant,
            recipient,
            category: None,
            changed: false,
        })
    }

    /// Switches a category off for somebody, on one channel or on all, and notes the reason and the time in the consent log.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the category is not optional; [`ErrorKind::Invalid`] for one that is not registered.
    pub async fn opt_out(
        &self,
        recipient: impl Into<RecipientId>,
        category: impl Into<CategoryId>,
        channel: Option<ChannelId>,
        reason: &str,
    ) -> Result<()> {
        let (recipient, category) = (recipient.into(), category.into());
        let rules = self.parts.rules();
        rules.category(&category)?;
        if let Some(channel) = channel.as_ref().filter(|id| rules.channel(id).is_none()) {
            let why = format!("{channel} is not registered; add it to the builder with `channel`");
            return Err(Error::invalid("channel", why));
        }
        self.switch_off(&recipient, &category, channel.as_ref(), reason)
            .await
            .map(drop)
    }

    /// Asks somebody to confirm what they asked for: the first step of a double opt-in, which proves that the address is theirs.
    ///
    /// `message` is a notification of the application's own, of a category that is no marketing; its data gets `confirm_url`, `wording`
    /// and `consent_category`. Nothing is agreed to until the link is followed, with [`confirm`](Self::confirm).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] naming the field, such as `wording` if it is longer than 600 bytes; [`ErrorKind::Unsupported`] without links
    /// that prove themselves; else as [`send`](Self::send).
    pub async fn request_consent(
        &self,
        to: impl Into<To>,
        asked: ConsentRequest,
        message: NotificationRequest,
    ) -> Result<SendReport> {
        let to = to.into();
        let rules = self.parts.rules();
        rules.category(&asked.category)?;
        if rules.category(message.category())?.class() == Class::Marketing {
            let why = "is marketing, which needs the consent that is asked for; use another one";
            return Err(Error::invalid("category", why));
        }
        for (field, text) in [("source", &asked.source), ("wording", &asked.wording)] {
            if text.len() > MAX_WORDING {
                let why = format!("is longer than {MAX_WORDING} bytes");
                return Err(Error::invalid(field, why));
            }
        }
        let grant = Grant::Confirm {
            recipient: to.id().clone(),
            category: asked.category.clone(),
            source: asked.source,
            wording: asked.wording.clone(),
        };
        let links = self.parts.links.as_ref();
        let now = self.parts.clock.now();
        let url = links.and_then(|links| links.link(&self.tenant, &grant, now));
        let Some(url) = url else {
            let why = "the links lead to no page to confirm on; give the builder `signed_links`";
            return Err(Error::new(ErrorKind::Unsupported, why));
        };
        let mut data = message.data().as_object().cloned().unwrap_or_default();
        data.insert("confirm_url".to_owned(), url.into());
        data.insert("wording".to_owned(), asked.wording.into());
        data.insert(
            "consent_category".to_owned(),
            asked.category.as_str().into(),
        );
        self.send(message.with_data(data)?, to).await
    }

    /// Agrees to what the link was sent for: the second step of a double opt-in. Only on a POST, since scanners follow links. Safe to
    /// repeat. The tenant is the token's.
    ///
    /// What the person had switched off of this category before is on again: this is what they said last.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] naming `token` if it is forged, expired or for something else; [`ErrorKind::Conflict`] if they withdrew after
    /// the link was made: then nothing changes.
    pub async fn confirm(&self, token: &str) -> Result<Followed> {
        let token = self.verified(token)?;
        let Grant::Confirm {
            recipient,
            category,
            source,
            wording,
        } = token.grant
        else {
            return Err(TokenError::WrongKind.into_error());
        };
        let own = self.tenant(token.tenant);
        own.parts.rules().category(&category)?;
        let log = own.consents_or_none(&recipient).await?;
        let withdrew = log.iter().any(|entry| {
            entry.category == category && !entry.granted && entry.at > token.issued_at
        });
        if withdrew {
            let why = "they withdrew after this link was made; ask for a new one";
            return Err(Error::new(ErrorKind::Conflict, why).field("token"));
        }
        let before = own.wishes(&recipient).await?;
        let changed = !before.consents.contains(&category);
        if changed {
            let source = format!("{source}, confirmed by link");
            let agreed =
                PreferenceChange::agree(recipient.clone(), category.clone(), source, wording);
            own.apply(&agreed).await?;
        }
        for (of, channel, setting) in before.user.cells() {
            if *of == category && setting == Setting::No {
                own.apply(&cell(&recipient, &category, channel, Setting::Inherit))
                    .await?;
            }
        }
        Ok(Followed {
            tenant: own.tenant,
            recipient,
            category: Some(category),
            changed,
        })
    }

    /// What somebody agreed to and withdrew from, oldest first: when, where, and in what words.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the store keeps no log that can be read.
    pub async fn consents(&self, recipient: impl Into<RecipientId>) -> Result<Vec<ConsentEntry>> {
        let room = Arc::clone(&self.parts.store)
            .privacy()
            .ok_or_else(|| without("consent log that can be read"))?;
        room.consents(&self.tenant, &recipient.into()).await
    }

    async fn consents_or_none(&self, recipient: &RecipientId) -> Result<Vec<ConsentEntry>> {
        match Arc::clone(&self.parts.store).privacy() {
            Some(room) => room.consents(&self.tenant, recipient).await,
            None => Ok(Vec::new()),
        }
    }

    /// Reads a token back.
    pub(super) fn verified(&self, token: &str) -> Result<Token> {
        let keys = self.parts.tokens.as_ref().ok_or_else(|| {
            let why =
                "there are no keys for tokens; give the builder `signed_links` or `token_keys`";
            Error::new(ErrorKind::Config, why)
        })?;
        let now = self.parts.clock.now();
        keys.verify(token, now).map_err(TokenError::into_error)
    }

    async fn wishes(&self, recipient: &RecipientId) -> Result<Preferences> {
        let ids = std::slice::from_ref(recipient);
        let loaded = self.parts.preferences.load(&self.tenant, ids).await?;
        let first = loaded.into_iter().next();
        first.ok_or_else(|| short("a preference store"))
    }

    async fn apply(&self, change: &PreferenceChange) -> Result<()> {
        self.parts
            .change_preferences(&self.tenant, change, &Actor::Recipient)
            .await
    }

    /// Switches a category off; answers whether it was on. What the application has forgotten of the category does not matter: whoever
    /// unsubscribes is heard.
    async fn switch_off(
        &self,
        recipient: &RecipientId,
        category: &CategoryId,
        channel: Option<&ChannelId>,
        source: &str,
    ) -> Result<bool> {
        let rules = self.parts.rules();
        let known = rules.find_category(category);
        if known.is_some_and(|known| known.is_mandatory()) {
            let why = format!("category {category} is not optional and cannot be switched off");
            return Err(Error::new(ErrorKind::Unsupported, why));
        }
        let before = self.wishes(recipient).await?;
        let is_marketing = known.is_some_and(|known| known.class() == Class::Marketing);
        let agreed = before.consents.contains(category);
        let mut changed = false;
        if !is_marketing || channel.is_some() {
            let all = rules.channels().map(|(id, _)| id);
            let cells = all.filter(|id| channel.is_none_or(|only| only == *id));
            for id in cells {
                if before.user.cell(category, id) != Setting::No {
                    self.apply(&cell(recipient, category, id, Setting::No))
                        .await?;
                    changed = true;
                }
            }
        }
        // Consent is for all channels: it goes when all of them do. The log tells of every opt-out.
        let withdraws = agreed && channel.is_none();
        if withdraws || (changed && channel.is_none()) {
            let withdrawn = PreferenceChange::withdraw(recipient.clone(), category.clone(), source);
            self.apply(&withdrawn).await?;
        }
        Ok(changed || withdraws)
    }
}

fn cell(
    recipient: &RecipientId,
    category: &CategoryId,
    channel: &ChannelId,
    setting: Setting,
) -> PreferenceChange {
    PreferenceChange::Cell {
        recipient: recipient.clone(),
        category: category.clone(),
        channel: channel.clone(),
        setting,
    }
}
