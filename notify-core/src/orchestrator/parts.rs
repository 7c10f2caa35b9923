//! What the front door and the workers share: stores, rules, templates, providers.

use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::channel::{ListUnsubscribe, Rendered};
use crate::clock::{Clock, Entropy, Timestamp};
use crate::delivery::{Delivery, DeliveryEvent, DeliveryStore, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{
    CategoryId, ChannelId, DeliveryId, IdGenerator, Locale, NotificationId, ProviderName,
    RecipientId, TemplateName, TenantId,
};
use crate::inbox::InboxLimits;
use crate::message::Message;
use crate::notification::{Category, Class, Content, NotificationRequest};
use crate::observer::{Event, Hub};
use crate::orchestrator::accept::accept_events;
use crate::orchestrator::configured::Configured;
use crate::orchestrator::extras::Extras;
use crate::orchestrator::local::Local;
use crate::orchestrator::providers::ProviderSet;
use crate::orchestrator::report::SendReport;
use crate::orchestrator::vigil::Vigil;
use crate::orchestrator::vitals::{Commits, Unserved};
use crate::planner::Rules;
use crate::preference::{Pepper, PreferenceStore, SoftBounces, SuppressionStore};
use crate::provider::WebhookParser;
use crate::queue::{Queue, Retention};
use crate::rate_limiter::RateLimiter;
use crate::recipient::{Recipient, RecipientResolver};
use crate::store::Store;
use crate::template::{CompiledTemplate, Engine, RenderContext, TemplateCache};
use crate::token::{Grant, TokenKeys};

/// Gives the links that messages carry. The application answers them; the core only names them.
///
/// # Contract
/// - Every method is pure: a message that is rendered again says the same.
pub trait Links: std::fmt::Debug + Send + Sync + 'static {
    /// Where this person unsubscribes from this category with one click (RFC 8058).
    fn unsubscribe(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        category: &CategoryId,
        delivery: DeliveryId,
    ) -> Option<ListUnsubscribe>;

    /// Where this person changes their preferences.
    fn preferences(&self, tenant: &TenantId, recipient: &RecipientId) -> Option<String> {
        let _ = (tenant, recipient);
        None
    }

    /// Where what is granted is done, from `at` on: a page, a redirect, a picture; for [`Grant::Report`] the bare token. `None` where the
    /// application has no such thing.
    fn link(&self, tenant: &TenantId, grant: &Grant, at: Timestamp) -> Option<String> {
        let _ = (tenant, grant, at);
        None
    }
}

/// Adds the application's own data before a message is rendered: recommendations, a loyalty balance.
///
/// # Contract
/// - Pure: a message that is rendered again says the same.
pub trait Enrich: std::fmt::Debug + Send + Sync + 'static {
    /// Adds to the data of the templates.
    fn enrich(
        &self,
        request: &NotificationRequest,
        recipient: &Recipient,
        data: &mut Map<String, Value>,
    );
}

/// Everything that the front door and the workers of one process share.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) deliveries: Arc<dyn DeliveryStore>,
    pub(crate) preferences: Arc<dyn PreferenceStore>,
    pub(crate) recipients: Arc<dyn RecipientResolver>,
    pub(crate) suppressions: Arc<dyn SuppressionStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) limiter: Arc<dyn RateLimiter>,
    pub(crate) pepper: Pepper,
    pub(crate) ids: IdGenerator,
    pub(crate) rules: ArcSwap<Rules>,
    pub(crate) providers: ArcSwap<ProviderSet>,
    pub(crate) configured: Configured,
    pub(crate) cache: TemplateCache,
    pub(crate) default_locale: Locale,
    pub(crate) links: Option<Arc<dyn Links>>,
    pub(crate) enrich: Option<Arc<dyn Enrich>>,
    pub(crate) local: Local,
    pub(crate) hub: Hub,
    pub(crate) retention: Retention,
    pub(crate) inbox: InboxLimits,
    pub(crate) commits: Commits,
    pub(crate) unserved: Unserved,
    pub(crate) webhooks: BTreeMap<ProviderName, Arc<dyn WebhookParser>>,
    pub(crate) soft_bounces: SoftBounces,
    pub(crate) tokens: Option<TokenKeys>,
    pub(crate) vigil: Vigil,
}

/// What a message is rendered for: everything that must be the same at every attempt.
#[derive(Debug)]
pub(crate) struct Rendering<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) notification: NotificationId,
    pub(crate) delivery: DeliveryId,
    pub(crate) request: &'a NotificationRequest,
    pub(crate) recipient: &'a Recipient,
    pub(crate) channel: &'a ChannelId,
    pub(crate) class: Class,
    pub(crate) locale: &'a Locale,
    pub(crate) zone: Option<&'a str>,
    pub(crate) accepted_at: Timestamp,
}

impl<'a> Rendering<'a> {
    pub(crate) fn of(
        delivery: &'a Delivery,
        recipient: &'a Recipient,
        locale: &'a Locale,
        zone: Option<&'a str>,
    ) -> Self {
        Self {
            tenant: &delivery.tenant,
            notification: delivery.notification,
            delivery: delivery.id,
            request: &delivery.request,
            recipient,
            channel: &delivery.channel,
            class: delivery.class,
            locale,
            zone,
            accepted_at: delivery.accepted_at,
        }
    }
}

impl Parts {
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }

    /// The tenant's templates as they are now.
    pub(crate) async fn templates(&self, tenant: &TenantId) -> Result<Arc<Engine>> {
        self.cache.current(tenant).await
    }

    pub(crate) fn template<'e>(
        &self,
        engine: &'e Engine,
        name: &TemplateName,
        channel: &ChannelId,
        locale: &Locale,
    ) -> Option<&'e CompiledTemplate> {
        engine.resolve(name, channel, locale, &self.default_locale)
    }

    /// Whether there is anything to say on this channel.
    pub(crate) fn is_renderable(
        &self,
        engine: &Engine,
        request: &NotificationRequest,
        channel: &ChannelId,
        locale: &Locale,
    ) -> bool {
        request.content().is_some()
            || self
                .template(engine, &request.template_name(), channel, locale)
                .is_some()
    }

    /// Renders one message. Deterministic in its arguments and the release.
    pub(crate) fn render(
        &self,
        rules: &Rules,
        engine: &Engine,
        rendering: &Rendering<'_>,
    ) -> Result<Message> {
        let Some(channel) = rules.channel(rendering.channel) else {
            return Err(Error::new(
                ErrorKind::Config,
                format!("channel {} is not registered", rendering.channel),
            ));
        };
        let unsubscribe = self.links.as_ref().and_then(|links| {
            links.unsubscribe(
                rendering.tenant,
                rendering.recipient.id(),
                rendering.request.category(),
                rendering.delivery,
            )
        });
        let extras = Extras::of(self, rules, rendering);
        let link = unsubscribe.as_ref().map(|links| links.https.as_str());
        let mut parts = match rendering.request.content() {
            Some(content) => content_parts(content),
            None => self.template_parts(engine, channel.parts(), rendering, link, &extras)?,
        };
        extras.lay_over(&mut parts, link);
        let mut rendered = Rendered::new(rendering.class, parts);
        rendered.attachments = rendering.request.attachments().to_vec();
        if rendering.class == Class::Marketing {
            rendered.unsubscribe = unsubscribe;
        }
        extras.hand_over(&mut rendered)?;
        channel.compose(rendered)
    }

    fn template_parts(
        &self,
        engine: &Engine,
        parts: &[crate::channel::Part],
        rendering: &Rendering<'_>,
        unsubscribe: Option<&str>,
        extras: &Extras<'_>,
    ) -> Result<Vec<(String, String)>> {
        let name = rendering.request.template_name();
        let template = self
            .template(engine, &name, rendering.channel, rendering.locale)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Template,
                    format!(
                        "there is no template {name} for channel {}",
                        rendering.channel
                    ),
                )
            })?;
        let mut context = RenderContext::new(
            rendering.locale,
            &self.default_locale,
            rendering.accepted_at,
        );
        context.notification_id = Some(rendering.notification);
        context.recipient = Some(rendering.recipient);
        context.zone = rendering.zone;
        context.unsubscribe_url = unsubscribe;
        context.preferences_url = extras.preferences_url.as_deref();
        context.postal_address = extras.postal_address;
        context.report_token = extras.report_token.as_deref();
        match &self.enrich {
            None => template.render(parts, rendering.request.data(), &context),
            Some(enrich) => {
                let mut data = rendering
                    .request
                    .data()
                    .as_object()
                    .cloned()
                    .unwrap_or_default();
                enrich.enrich(rendering.request, rendering.recipient, &mut data);
                template.render(parts, &Value::Object(data), &context)
            }
        }
    }

    /// Counts and tells what was accepted: after the commit.
    pub(crate) fn accepted(
        &self,
        tenant: &TenantId,
        request: &NotificationRequest,
        category: &Category,
        report: &SendReport,
    ) {
        metrics::counter!("notifications_accepted_total").increment(1);
        for (delivery, kind) in accept_events(report) {
            if kind == EventKind::Suppressed {
                let reason = delivery.reason.map_or("", |reason| reason.as_str());
                metrics::counter!("notifications_suppressed_total", "channel" => delivery.channel.to_string(), "reason" => reason)
                    .increment(1);
            }
            if self.hub.is_heard() {
                let mut event = DeliveryEvent::new(delivery.id, self.clock.now(), kind);
                event.reason = delivery.reason;
                self.hub.tell(Event::Delivery {
                    tenant: tenant.clone(),
                    notification: report.id,
                    recipient: delivery.recipient.clone(),
                    channel: delivery.channel.clone(),
                    category: category.id().clone(),
                    correlation_id: request.correlation_id().cloned(),
                    event,
                });
            }
        }
    }
}

/// Given content, under the names that the channels have for its parts.
fn content_parts(content: &Content) -> Vec<(String, String)> {
    let line: String = content.title.chars().filter(|c| !c.is_control()).collect();
    let mut parts = vec![
        ("subject".to_owned(), line.clone()),
        ("title".to_owned(), line),
        ("text".to_owned(), content.body.clone()),
        ("body".to_owned(), content.body.clone()),
    ];
    parts.extend(content.html.clone().map(|html| ("html".to_owned(), html)));
    parts.extend(
        content
            .click_action
            .clone()
            .map(|url| ("click_action".to_owned(), url)),
    );
    parts
}
