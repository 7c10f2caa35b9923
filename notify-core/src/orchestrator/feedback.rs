//! From a vendor's webhook to the state of deliveries.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use crate::audit::Actor;
use crate::delivery::{Delivery, DeliveryEvent};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{DeliveryId, ProviderName};
use crate::observer::Event;
use crate::orchestrator::operator::without;
use crate::orchestrator::{Orchestrator, OrchestratorBuilder, Parts};
use crate::planner::{CLIENT, Case, Change, Judgement, follow, judge};
use crate::preference::{AddressHash, SoftBounces};
use crate::provider::{
    ProviderEvent, ProviderEventKind, Reply, WebhookError, WebhookParser, WebhookRequest,
};
use crate::queue::{
    Applied, Asked, Effect, Feedback, FeedbackStore, Found, FoundBy, KeptReport, ReportKey,
};

/// How often a report is decided again because its delivery moved meanwhile.
const TRIES: u32 = 8;

/// How many kept reports one round of housekeeping looks at.
const ROUND: u32 = 256;

/// What to answer a vendor, and what its request brought.
///
/// The answer is given after everything was committed: a vendor that does not get it repeats the request, and nothing is told twice.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ingested {
    /// The HTTP status to answer: from 200 to 299 unless the request was refused.
    pub status: u16,
    /// The media type of the body.
    pub content_type: Cow<'static, str>,
    /// The body to answer; often empty.
    pub body: Vec<u8>,
    /// The address to ask by GET once, where the vendor wants its subscription confirmed: by the application, which has the network.
    pub confirm: Option<String>,
    /// How many reports were written.
    pub applied: u64,
    /// How many were known already.
    pub known: u64,
    /// How many wait for their delivery; see [`FeedbackStore`].
    pub waiting: u64,
}

impl OrchestratorBuilder {
    /// What reads the webhooks of the provider with this name, for [`Orchestrator::ingest`]. Two instances of one vendor have a parser
    /// each, under their own names.
    pub fn webhook(
        mut self,
        provider: impl Into<ProviderName>,
        parser: impl WebhookParser,
    ) -> Self {
        let name = provider.into();
        if name == CLIENT {
            let why = format!("a webhook cannot be called {name}: that is who has a token");
            self.errors.push(Error::new(ErrorKind::Config, why));
        }
        if self
            .webhooks
            .insert(name.clone(), Arc::new(parser))
            .is_some()
        {
            let why = format!("two webhooks are registered under the name {name}");
            self.errors.push(Error::new(ErrorKind::Config, why));
        }
        self
    }

    /// After how many soft bounces an address is suppressed. Default: 5 in a row within 30 days.
    pub const fn soft_bounces(mut self, rule: SoftBounces) -> Self {
        self.soft_bounces = rule;
        self
    }
}

impl Ingested {
    fn new(reply: Reply, confirm: Option<String>) -> Self {
        Self {
            status: reply.status,
            content_type: reply.content_type.into(),
            body: reply.body,
            confirm,
            applied: 0,
            known: 0,
            waiting: 0,
        }
    }

    fn refused(error: &WebhookError) -> Self {
        Self::new(Reply::ok().with_status(error.status()), None)
    }

    /// Whether the request was the vendor's.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        self.status < 400
    }
}

impl Orchestrator {
    /// Takes a vendor's webhook: verifies it, applies what it reports, and says what to answer. Concerns deliveries of all tenants.
    ///
    /// `provider` is the name under which the parser was given to the
    /// [builder](crate::orchestrator::OrchestratorBuilder::webhook); an application has it in the path of its route. A request that
    /// is refused is no error: its answer says so.
    ///
    /// A report whose delivery is not known, or is just being sent, is kept and matched later, for 24 h. That, and what else follows
    /// later, is done by any worker of the same store.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no parser of this name: answer 404. [`ErrorKind::Storage`] and its like if a store failed:
    /// answer 503, and the vendor repeats the request.
    pub async fn ingest(
        &self,
        provider: &ProviderName,
        request: &WebhookRequest<'_>,
    ) -> Result<Ingested> {
        let parts = self.parts();
        let Some(parser) = parts.webhooks.get(provider) else {
            let why = format!("no webhook is registered under the name {provider}");
            return Err(Error::new(ErrorKind::NotFound, why));
        };
        let parsed = match parser.parse(request) {
            Ok(parsed) => parsed,
            Err(error) => {
                metrics::counter!("notifications_webhooks_refused_total", "provider" => provider.to_string(), "status" => error.status().to_string()).increment(1);
                tracing::warn!(provider = %provider, error = %error, "refused a webhook");
                return Ok(Ingested::refused(&error));
            }
        };
        let taken = take_in(parts, provider, parsed.events).await?;
        let mut ingested = Ingested::new(parsed.reply.unwrap_or_else(Reply::ok), parsed.confirm);
        ingested.applied = taken.applied;
        ingested.known = taken.known;
        ingested.waiting = taken.waiting;
        Ok(ingested)
    }

    /// Looks at the reports that wait for their delivery and whose time has come; answers how many were written. Workers do this
    /// every second: it is for tests, and for a process that has none.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] and its like if a store failed: they go on waiting.
    pub async fn match_reports(&self) -> Result<u64> {
        match_kept(self.parts()).await
    }
}

/// What became of the reports of one request.
pub(super) struct Taken {
    pub(super) applied: u64,
    known: u64,
    waiting: u64,
}

/// Applies what somebody reports who has proven who they are, and keeps what has to wait.
pub(super) async fn take_in(
    parts: &Parts,
    provider: &ProviderName,
    events: Vec<ProviderEvent>,
) -> Result<Taken> {
    let reports = events.into_iter();
    let reports = reports
        .map(|event| Told::new(parts, provider, event))
        .collect();
    let room = room(parts)?;
    let outcome = apply(parts, &*room, reports).await?;
    let since = parts.clock.now();
    let waiting: Vec<_> = outcome
        .waiting
        .into_iter()
        .map(|told| KeptReport::new(told.key, told.event, told.address, since))
        .collect();
    if !waiting.is_empty() {
        room.keep(&waiting).await?;
    }
    Ok(Taken {
        applied: outcome.applied,
        known: outcome.known.len() as u64,
        waiting: waiting.len() as u64,
    })
}

/// Looks at the reports that wait and whose time has come; answers how many were written.
pub(crate) async fn match_kept(parts: &Parts) -> Result<u64> {
    let Some(room) = Arc::clone(&parts.store).feedback() else {
        return Ok(0);
    };
    let kept = room.look(parts.clock.now(), ROUND).await?;
    #[expect(clippy::cast_precision_loss, reason = "a gauge")]
    metrics::gauge!("notifications_feedback_unmatched").set(kept.kept as f64);
    metrics::counter!("notifications_feedback_forgotten_total").increment(kept.forgotten);
    if kept.due.is_empty() {
        return Ok(0);
    }
    let reports = kept.due.into_iter().map(Told::kept).collect();
    let outcome = apply(parts, &*room, reports).await?;
    if !outcome.known.is_empty() {
        room.forget(&outcome.known).await?;
    }
    Ok(outcome.applied)
}

fn room(parts: &Parts) -> Result<Arc<dyn FeedbackStore>> {
    Arc::clone(&parts.store)
        .feedback()
        .ok_or_else(|| without("vendors' reports"))
}

/// One report, without what is personal.
struct Told {
    event: ProviderEvent,
    address: Option<AddressHash>,
    key: ReportKey,
    is_kept: bool,
    tries: u32,
}

impl Told {
    fn new(parts: &Parts, provider: &ProviderName, mut event: ProviderEvent) -> Self {
        event.provider = provider.clone();
        let address = event.address.take();
        event.raw = serde_json::Value::Null;
        if let ProviderEventKind::Clicked { url } = &mut event.kind {
            *url = None;
        }
        let key = match &event.event_id {
            Some(id) => serde_json::json!([provider, id]),
            None => serde_json::json!([
                provider,
                event.kind,
                event.at,
                event.message_id,
                event.delivery
            ]),
        };
        Self {
            address: address.map(|address| parts.pepper.address(&address)),
            key: ReportKey::from_bytes(parts.pepper.hash("report", &key.to_string())),
            event,
            is_kept: false,
            tries: 0,
        }
    }

    fn kept(report: KeptReport) -> Self {
        Self {
            event: report.event,
            address: report.address,
            key: report.key,
            is_kept: true,
            tries: 0,
        }
    }

    /// Where it looks for its delivery. What a reader answers names no message of ours.
    fn asked(&self) -> Asked<'_> {
        let is_answer = matches!(
            self.event.kind,
            ProviderEventKind::Replied
                | ProviderEventKind::Resubscribed
                | ProviderEventKind::Unsubscribed
        );
        Asked {
            provider: &self.event.provider,
            delivery: self.event.delivery,
            message_id: self.event.message_id.as_deref(),
            address: self.address.as_ref().filter(|_| is_answer),
        }
    }
}

/// What became of reports.
#[derive(Default)]
struct Outcome {
    applied: u64,
    known: Vec<ReportKey>,
    waiting: Vec<Told>,
}

/// A report with what follows from it.
struct Judged {
    told: Told,
    delivery: Delivery,
    by: FoundBy,
    entries: usize,
    change: Change,
}

impl Judged {
    fn answer(&self) -> Option<&str> {
        let id = self.told.event.message_id.as_deref();
        id.filter(|_| self.by == FoundBy::Address)
    }
}

/// Applies reports: in rounds of one for each delivery, since each is judged by what those before it left.
async fn apply(parts: &Parts, room: &dyn FeedbackStore, reports: Vec<Told>) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut rest = reports;
    while !rest.is_empty() {
        let asked: Vec<_> = rest.iter().map(Told::asked).collect();
        let found = room.find(&asked).await?;
        let (mut round, mut later, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (told, found) in rest.into_iter().zip(found) {
            match found {
                None => outcome.waiting.push(told),
                Some(found) if seen.insert(found.delivery) => round.push((told, found)),
                Some(_) => later.push(told),
            }
        }
        let judged = judge_all(parts, round, &mut outcome).await?;
        for mut told in write(parts, room, judged, &mut outcome).await? {
            told.tries += 1;
            if told.tries == TRIES {
                let why =
                    "a delivery moved each time its report was to be written; repeat the request";
                return Err(Error::new(ErrorKind::Busy, why));
            }
            later.push(told);
        }
        rest = later;
    }
    Ok(outcome)
}

/// Reads the deliveries, and decides what follows.
async fn judge_all(
    parts: &Parts,
    round: Vec<(Told, Found)>,
    outcome: &mut Outcome,
) -> Result<Vec<Judged>> {
    let ids: Vec<DeliveryId> = round.iter().map(|(_, found)| found.delivery).collect();
    // The entries first: what happens between the two reads is an entry that was not seen, and makes the report stale.
    let mut timelines = Vec::with_capacity(round.len());
    for (_, found) in &round {
        let timeline = parts
            .deliveries
            .timeline(&found.tenant, found.delivery)
            .await?;
        timelines.push(timeline);
    }
    let deliveries = parts.deliveries.load(&ids).await?;
    let rules = parts.rules();
    let mut judged = Vec::with_capacity(round.len());
    for (((told, found), timeline), delivery) in round.into_iter().zip(timelines).zip(deliveries) {
        let Some(delivery) = delivery else {
            outcome.waiting.push(told);
            continue;
        };
        let judgement = judge(&Case {
            event: &told.event,
            address: told.address,
            found: &found,
            delivery: &delivery,
            timeline: &timeline,
            category: rules
                .find_category(delivery.request.category())
                .map(Arc::as_ref),
            rule: parts.soft_bounces,
            now: parts.clock.now(),
        });
        match judgement {
            Judgement::Known => outcome.known.push(told.key),
            Judgement::Wait => outcome.waiting.push(told),
            Judgement::Apply(change) => judged.push(Judged {
                told,
                by: found.by,
                entries: timeline.len(),
                change: *change,
                delivery,
            }),
        }
    }
    Ok(judged)
}

/// Writes what follows, in one commit; answers with the reports that must be decided again.
async fn write(
    parts: &Parts,
    room: &dyn FeedbackStore,
    mut judged: Vec<Judged>,
    outcome: &mut Outcome,
) -> Result<Vec<Told>> {
    if judged.is_empty() {
        return Ok(Vec::new());
    }
    let now = parts.clock.now();
    for one in &mut judged {
        // What the person wants may be kept by the application, so it has no part in the commit. It comes first, and says how
        // it is from now on: if the commit fails the vendor repeats the report, and this is done once more.
        if let Some(change) = &one.change.preference {
            let tenant = &one.delivery.tenant;
            let preferences = &parts.preferences;
            preferences
                .apply(tenant, change, &Actor::Recipient, now)
                .await?;
        }
        let follows = siblings(parts, one, now).await?;
        one.change.effects.extend(follows);
    }
    let batch: Vec<_> = judged
        .iter()
        .map(|one| Feedback {
            tenant: &one.delivery.tenant,
            event: &one.change.event,
            entries: one.entries,
            from: &one.change.from,
            to: one.change.to,
            seen_at: one.change.seen_at,
            answer: one.answer(),
            effects: &one.change.effects,
            kept: one.told.is_kept.then_some(one.told.key),
            now,
        })
        .collect();
    let answers = room.apply(&batch).await?;
    let mut stale = Vec::new();
    for (one, answer) in judged.into_iter().zip(answers) {
        match answer {
            Applied::Applied => {
                outcome.applied += 1;
                tell(parts, &one.delivery, one.change.event, &one.told.event);
            }
            Applied::Stale => stale.push(one.told),
        }
    }
    parts.commits.note(parts.clock.monotonic());
    Ok(stale)
}

/// What follows for the steps that wait for this one.
async fn siblings(
    parts: &Parts,
    one: &Judged,
    now: crate::clock::Timestamp,
) -> Result<Vec<Effect>> {
    let (delivery, change) = (&one.delivery, &one.change);
    let is_news = change.to.is_some() || (change.seen_at.is_some() && delivery.seen_at.is_none());
    let rules = parts.rules();
    let category = rules.find_category(delivery.request.category());
    let route = delivery.request.route();
    let route = route.or_else(|| category.and_then(|category| category.route()));
    let has_followers =
        route.is_some_and(|route| route.steps().iter().any(|step| step.after.is_some()));
    if !is_news || !has_followers {
        return Ok(Vec::new());
    }
    let (tenant, notification) = (&delivery.tenant, delivery.notification);
    let mut own = parts
        .deliveries
        .of_notification(tenant, notification)
        .await?;
    own.retain(|sibling| sibling.recipient == delivery.recipient);
    let state = change.to.unwrap_or(delivery.state);
    let seen = delivery.seen_at.is_some() || change.seen_at.is_some();
    Ok(follow(delivery.id, state, seen, &own, now))
}

/// Counts and tells what was written.
fn tell(parts: &Parts, delivery: &Delivery, event: DeliveryEvent, report: &ProviderEvent) {
    metrics::counter!("notifications_feedback_total", "provider" => report.provider.to_string(), "kind" => report.kind.as_str()).increment(1);
    tracing::debug!(
        delivery = %delivery.id,
        notification = %delivery.notification,
        channel = %delivery.channel,
        correlation_id = delivery.request.correlation_id().map(String::as_str),
        provider = %report.provider,
        event = event.kind.as_str(),
        "reported"
    );
    if parts.hub.is_heard() {
        parts.hub.tell(Event::Delivery {
            tenant: delivery.tenant.clone(),
            notification: delivery.notification,
            recipient: delivery.recipient.clone(),
            channel: delivery.channel.clone(),
            category: delivery.request.category().clone(),
            correlation_id: delivery.request.correlation_id().cloned(),
            event,
        });
    }
}
