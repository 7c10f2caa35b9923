//! What a message carries besides what its template says: the sender's address, counted links, a token to report with.

use std::sync::Arc;

use crate::channel::Rendered;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ChannelId;
use crate::notification::{Class, Tracking};
use crate::orchestrator::{Links, Parts, Rendering, html};
use crate::planner::Rules;
use crate::token::Grant;

/// What is added to one message. Deterministic in what the message is rendered for.
pub(super) struct Extras<'a> {
    rendering: &'a Rendering<'a>,
    links: Option<&'a Arc<dyn Links>>,
    tracking: Tracking,
    needs_unsubscribe: bool,
    /// Where the sender can be reached by post.
    pub(super) postal_address: Option<&'a str>,
    /// Where the reader changes their preferences.
    pub(super) preferences_url: Option<String>,
    /// With what the application's client reports.
    pub(super) report_token: Option<String>,
}

impl<'a> Extras<'a> {
    pub(super) fn of(parts: &'a Parts, rules: &'a Rules, rendering: &'a Rendering<'a>) -> Self {
        let category = rules.find_category(rendering.request.category());
        let links = parts.links.as_ref();
        let mut extras = Self {
            rendering,
            links,
            tracking: category.map_or(Tracking::none(), |category| category.tracking()),
            needs_unsubscribe: rules.mail().needs_link(),
            postal_address: rules.mail().postal_address(),
            preferences_url: None,
            report_token: None,
        };
        let (tenant, recipient) = (rendering.tenant, rendering.recipient.id());
        let given = links.and_then(|links| links.preferences(tenant, recipient));
        extras.preferences_url = given.or_else(|| {
            extras.link(&Grant::Preferences {
                recipient: recipient.clone(),
            })
        });
        if extras.tracking.reports {
            let delivery = rendering.delivery;
            extras.report_token = extras.link(&Grant::Report { delivery });
        }
        extras
    }

    fn link(&self, grant: &Grant) -> Option<String> {
        let Rendering {
            tenant,
            accepted_at,
            ..
        } = self.rendering;
        self.links?.link(tenant, grant, *accepted_at)
    }

    fn is_mail(&self) -> bool {
        *self.rendering.channel == ChannelId::EMAIL
    }

    /// Lays them over the rendered parts.
    pub(super) fn lay_over(&self, parts: &mut [(String, String)], unsubscribe: Option<&str>) {
        if !self.is_mail() {
            return;
        }
        let is_marketing = self.rendering.class == Class::Marketing;
        for (name, part) in parts {
            let address = self.postal_address.filter(|_| is_marketing);
            match (name.as_str(), address) {
                ("text", Some(address)) => *part = html::text_with_address(part, address),
                ("html", address) => {
                    if let Some(address) = address {
                        *part = html::with_address(part, address);
                    }
                    self.count(part, unsubscribe);
                }
                _ => {}
            }
        }
    }

    /// Lets links and opening be counted, if the category asks for it.
    fn count(&self, part: &mut String, unsubscribe: Option<&str>) {
        let delivery = self.rendering.delivery;
        if self.tracking.clicks {
            *part = html::with_links(part, |url| {
                // What lets somebody be left alone is nobody's business.
                let own = [unsubscribe, self.preferences_url.as_deref()];
                if own.contains(&Some(url)) {
                    return None;
                }
                let url = url.to_owned();
                self.link(&Grant::Click { delivery, url })
            });
        }
        if self.tracking.opens
            && let Some(url) = self.link(&Grant::Open { delivery })
        {
            *part = html::with_pixel(part, &url);
        }
    }

    /// Hands over what the channel composes into the message.
    ///
    /// # Errors
    /// [`ErrorKind::Template`] if marketing mail would go without a way to unsubscribe.
    pub(super) fn hand_over(self, rendered: &mut Rendered) -> Result<()> {
        let is_marketing = self.rendering.class == Class::Marketing;
        let lacks = rendered.unsubscribe.is_none() && self.needs_unsubscribe;
        if self.is_mail() && is_marketing && lacks {
            let why = "the application's links give no way to unsubscribe from this category; \
                marketing mail does not go without";
            return Err(Error::new(ErrorKind::Template, why));
        }
        rendered.untracked = self.is_mail() && (self.tracking.opens || self.tracking.clicks);
        rendered.report_token = self.report_token;
        Ok(())
    }
}
