//! A request that passed its checks: planned, and made into what is committed together.

use std::sync::Arc;

use crate::calendar::Zone;
use crate::clock::Timestamp;
use crate::delivery::{Decision, DeliveryState, Reason, Trace};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChannelId, DeliveryId, Locale, NotificationId, TenantId};
use crate::limits::Limits;
use crate::notification::{
    Category, Class, ContentHash, NotificationRequest, Priority, RequestHash, Route, To, validate,
};
use crate::orchestrator::lend::lend_to_this_process;
use crate::orchestrator::limits::{Counted, LimitUse, Limited};
use crate::orchestrator::operator::without;
use crate::orchestrator::parts::Parts;
use crate::orchestrator::report::{DeliveryReport, SendReport};
use crate::planner::{Planned, Planning, Refusal, Rules, Snapshot, plan};
use crate::queue::{Acceptance, Accepted, KeyHash, NewDelivery, Premise};
use crate::rate_limiter::Excess;
use crate::recipient::Recipient;
use crate::template::Engine;

/// A request that passed every check which needs nobody's data.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(super) request: Arc<NotificationRequest>,
    body: Arc<str>,
    pub(crate) to: To,
    pub(super) category: Arc<Category>,
    class: Class,
    priority: Priority,
    pub(crate) route: Route,
    key: Option<KeyHash>,
    hash: RequestHash,
    pub(crate) refused: Vec<Refusal>,
}

/// Checks shapes, sizes, category, priority, route and the recipient given in the call.
pub(crate) fn check(
    parts: &Parts,
    rules: &Rules,
    tenant: &TenantId,
    request: NotificationRequest,
    to: To,
) -> Result<Checked> {
    validate(&request)?;
    match &to {
        To::Inline(recipient) => recipient.validate()?,
        To::Id(id) => crate::limits::required("recipient.id", id.as_str(), Limits::RECIPIENT)?,
    }
    let category = Arc::clone(rules.category(request.category())?);
    let priority = rules.priority(&request, &category)?;
    let route = rules.route(&request, &category)?;
    let unwritable = |e| Error::invalid("request", "does not serialise to JSON").source(e);
    let body = serde_json::to_string(&request).map_err(unwritable)?;
    if body.len() > Limits::DATA_BYTES {
        Limits::check_data(
            serde_json::to_string(request.data())
                .map_err(unwritable)?
                .len(),
        )?;
    }
    if request.digest().is_some() && !rules.has_digests() {
        return Err(without("digests"));
    }
    let hash = RequestHash::of(&request, [to.id()]);
    let key = request.idempotency_key();
    let key = key.map(|key| parts.key_hash(tenant, key));
    Ok(Checked {
        class: category.class(),
        request: Arc::new(request),
        body: body.into(),
        to,
        category,
        priority,
        route,
        key,
        hash,
        refused: Vec::new(),
    })
}

/// A request that this system makes of what was checked before.
pub(super) fn made(
    request: NotificationRequest,
    to: To,
    category: Arc<Category>,
    priority: Priority,
    route: Route,
) -> Result<Checked> {
    let unwritable = |e| Error::invalid("request", "does not serialise to JSON").source(e);
    let body = serde_json::to_string(&request).map_err(unwritable)?;
    Ok(Checked {
        hash: RequestHash::of(&request, [to.id()]),
        class: category.class(),
        request: Arc::new(request),
        body: body.into(),
        to,
        category,
        priority,
        route,
        key: None,
        refused: Vec::new(),
    })
}

/// One accepted or refused attempt to store a plan.
pub(crate) enum Attempt {
    Done(SendReport),
    Again,
}

impl Checked {
    /// Whether it goes whatever people want.
    pub(crate) fn is_mandatory(&self) -> bool {
        self.category.is_mandatory()
    }

    /// Its lane.
    pub(crate) const fn priority(&self) -> Priority {
        self.priority
    }

    /// What is recorded where nothing can be planned: each step ends for this reason, by this rule.
    pub(crate) fn unsendable(
        &self,
        reason: Reason,
        rule: &'static str,
        now: Timestamp,
    ) -> Vec<Planned> {
        let steps = (0_u8..).zip(self.route.steps());
        let planned = steps.map(|(no, step)| {
            let mut trace = Trace::default();
            trace.hit(rule);
            Planned {
                channel: step.channel.clone(),
                step: no,
                after: None,
                decision: Decision::Suppress { reason },
                gathering: None,
                trace,
                due: now,
            }
        });
        planned.collect()
    }

    /// From when on it is not worth sending: counted from the time it is for.
    fn expires_at(&self, rules: &Rules, snapshot: &Snapshot) -> Option<Timestamp> {
        let ttl = self.request.expires_after().copied();
        let ttl = ttl.or(self.category.ttl())?;
        let begins = self.request.send_at().map(|at| {
            let zone = snapshot.recipient.as_ref().and_then(Recipient::zone);
            at.instant(&Zone::get_or(zone, rules.zone()))
        });
        Some(begins.map_or(snapshot.now, |at| at.max(snapshot.now)) + ttl)
    }

    /// Plans, and refuses what could never be sent: no template, missing variables.
    pub(crate) fn plan(
        &self,
        parts: &Parts,
        rules: &Rules,
        engine: &Engine,
        snapshot: &Snapshot,
    ) -> Result<Vec<Planned>> {
        let locale = snapshot
            .recipient
            .as_ref()
            .and_then(Recipient::locale)
            .unwrap_or(&parts.default_locale);
        self.check_templates(parts, engine, locale)?;
        Ok(self.plan_unchecked(parts, rules, engine, snapshot, locale))
    }

    /// Plans; what cannot be said ends when it is rendered.
    pub(super) fn plan_unchecked(
        &self,
        parts: &Parts,
        rules: &Rules,
        engine: &Engine,
        snapshot: &Snapshot,
        locale: &Locale,
    ) -> Vec<Planned> {
        let renderable =
            |channel: &ChannelId| parts.is_renderable(engine, &self.request, channel, locale);
        let planning = Planning {
            rules,
            request: &self.request,
            category: &self.category,
            priority: self.priority,
            route: &self.route,
            renderable: &renderable,
            refused: &self.refused,
            expires_at: self.expires_at(rules, snapshot),
        };
        plan(&planning, snapshot)
    }

    /// A template that is missing for a channel the caller named, or for all of them, is an error; so is a variable or a part that is
    /// missing.
    pub(crate) fn check_templates(
        &self,
        parts: &Parts,
        engine: &Engine,
        locale: &Locale,
    ) -> Result<()> {
        if self.request.content().is_some() {
            return Ok(());
        }
        let (rules, mut found) = (parts.rules(), false);
        for step in self.route.steps() {
            let name = self.request.template_name();
            match parts.template(engine, &name, &step.channel, locale) {
                Some(template) => {
                    found = true;
                    template.check_variables(self.request.data())?;
                    if let Some(channel) = rules.channel(&step.channel) {
                        template.check_parts(channel.parts())?;
                    }
                }
                None if self.request.route().is_some() => {
                    return Err(Error::new(
                        ErrorKind::Template,
                        format!("there is no template {name} for channel {}", step.channel),
                    )
                    .field("template"));
                }
                None => {}
            }
        }
        if found {
            Ok(())
        } else {
            let name = self.request.template_name();
            Err(Error::new(
                ErrorKind::Template,
                format!("there is no template {name} for any channel of the route"),
            )
            .field("template"))
        }
    }

    /// The limits that hold for a delivery.
    fn counted(
        &self,
        parts: &Parts,
        tenant: &TenantId,
        channel: &ChannelId,
        delivery: DeliveryId,
    ) -> Vec<Counted> {
        let limited = Limited {
            tenant,
            category: &self.category,
            priority: self.priority,
            recipient: self.to.id(),
            channel,
            delivery,
        };
        parts.counted(&parts.rules(), &limited)
    }

    fn premises(
        &self,
        parts: &Parts,
        tenant: &TenantId,
        planned: &[Planned],
        deliveries: &[NewDelivery],
        snapshot: &Snapshot,
    ) -> Vec<Premise> {
        let mut premises = Vec::new();
        let sent = |delivery: &&NewDelivery| delivery.decision == Decision::Send;
        premises.extend(self.gathering_premises(parts, tenant, planned));
        for delivery in deliveries.iter().filter(sent) {
            let counted = self.counted(parts, tenant, &delivery.channel, delivery.id);
            premises.extend(counted.into_iter().map(|one| one.premise));
        }
        let waits_for_quiet = |delivery: &NewDelivery| {
            let quiet = Reason::QuietHours;
            matches!(delivery.decision, Decision::Hold { reason, .. } if reason == quiet)
                || matches!(delivery.decision, Decision::Digest { .. })
        };
        let stamp = snapshot.preferences.as_ref().and_then(|all| all.stamp);
        if let Some(stamp) = stamp.filter(|_| deliveries.iter().any(waits_for_quiet)) {
            // What is held by preferences that changed meanwhile would miss being hastened.
            premises.push(Premise::Preferences {
                recipient: self.to.id().clone(),
                stamp,
            });
        }
        // What is recorded as a duplicate says nothing, and so does not count as said.
        let is_said = deliveries
            .iter()
            .any(|delivery| !matches!(delivery.decision, Decision::Suppress { .. }));
        if let Some(window) = self.request.dedup_window().filter(|_| is_said) {
            let content = ContentHash::of(&self.request, self.to.id());
            premises.push(Premise::Unseen {
                content: *content.as_bytes(),
                window: *window,
            });
        }
        premises
    }

    /// Everything that is committed together, and the report for when it is.
    pub(crate) fn acceptance(
        &self,
        parts: &Parts,
        tenant: &TenantId,
        snapshot: &Arc<Snapshot>,
        planned: &[Planned],
        lend: bool,
    ) -> (Acceptance, SendReport) {
        self.acceptance_of(parts, tenant, None, snapshot, planned, lend)
    }

    /// The same as the notification with this id; `None` is a new one.
    pub(crate) fn acceptance_of(
        &self,
        parts: &Parts,
        tenant: &TenantId,
        id: Option<NotificationId>,
        snapshot: &Arc<Snapshot>,
        planned: &[Planned],
        lend: bool,
    ) -> (Acceptance, SendReport) {
        let now = snapshot.now;
        let id = id.unwrap_or_else(|| parts.ids.notification(now));
        let ids: Vec<DeliveryId> = planned.iter().map(|_| parts.ids.delivery(now)).collect();
        let mut acceptance = Acceptance::new(
            tenant.clone(),
            id,
            Arc::clone(&self.request),
            Arc::clone(&self.body),
            self.hash,
            now,
        );
        acceptance.key = self.key;
        acceptance.class = self.class;
        acceptance.priority = self.priority;
        acceptance.expires_at = self.expires_at(&parts.rules(), snapshot);
        let pinned = match &self.to {
            To::Inline(recipient) => Some(Arc::new((**recipient).clone())),
            To::Id(_) => None,
        };
        let recipient = self.to.id();
        for (one, delivery_id) in planned.iter().zip(&ids) {
            let mut delivery = NewDelivery::new(
                *delivery_id,
                recipient.clone(),
                one.channel.clone(),
                one.due,
            );
            delivery.pinned.clone_from(&pinned);
            delivery.step = one.step;
            delivery.after = one
                .after
                .and_then(|(before, when)| ids.get(usize::from(before)).map(|id| (*id, when)));
            delivery.decision = one.decision.clone();
            delivery.trace = one.trace.clone();
            delivery.digest = self.joining(parts, tenant, one);
            acceptance.deliveries.push(delivery);
        }
        acceptance.premises =
            self.premises(parts, tenant, planned, &acceptance.deliveries, snapshot);
        if lend {
            lend_to_this_process(parts, &mut acceptance, snapshot);
        }
        let deliveries = planned
            .iter()
            .zip(&ids)
            .map(|(one, id)| DeliveryReport::planned(*id, recipient.clone(), one))
            .collect();
        (
            acceptance,
            SendReport {
                id,
                duplicate: false,
                deliveries,
            },
        )
    }

    pub(crate) async fn answer(
        &mut self,
        parts: &Parts,
        tenant: &TenantId,
        accepted: Accepted,
        report: SendReport,
    ) -> Result<Attempt> {
        match accepted {
            Accepted::New => {
                parts.accepted(tenant, &self.request, &self.category, &report);
                Ok(Attempt::Done(report))
            }
            Accepted::Duplicate(id) => {
                let deliveries = parts.deliveries.of_notification(tenant, id).await?;
                let deliveries = deliveries.iter().map(DeliveryReport::from).collect();
                Ok(Attempt::Done(SendReport {
                    id,
                    duplicate: true,
                    deliveries,
                }))
            }
            Accepted::Conflict => Err(Error::new(
                ErrorKind::Conflict,
                "was used for another request or another recipient before, and nothing was stored; a key stands for one request with \
                 its recipients: use a new key for a new request, and put the recipient into the key where each is sent to alone",
            )
            .field("idempotency_key")),
            Accepted::Stale(premise @ Premise::Cap { .. }) => {
                self.refuse_limited(parts, tenant, &report, Some(&premise))
                    .await?;
                Ok(Attempt::Again)
            }
            Accepted::Stale(Premise::Unseen { .. }) => {
                let steps = report.deliveries.iter().map(|delivery| delivery.step);
                let refusals = steps.map(|step| Refusal::new(step, Reason::Duplicate, "duplicate"));
                self.refused.extend(refusals);
                Ok(Attempt::Again)
            }
            Accepted::Stale(Premise::Bucket { key, .. }) => {
                self.look_again(parts, tenant, &report, key);
                Ok(Attempt::Again)
            }
            Accepted::Stale(_) => Ok(Attempt::Again),
            Accepted::Fenced => Err(Error::new(
                ErrorKind::Unexpected,
                "the queue fenced an accept that holds no job",
            )),
        }
    }
}

impl Checked {
    /// Looks up how much is used of the limits of everything that is to be sent now, and refuses what has no room: that of the
    /// premise that failed, and all others of which the same is known.
    pub(crate) async fn refuse_limited(
        &mut self,
        parts: &Parts,
        tenant: &TenantId,
        report: &SendReport,
        failed: Option<&Premise>,
    ) -> Result<Vec<LimitUse>> {
        let (mut counted, mut steps) = (Vec::new(), Vec::new());
        let going = |delivery: &&DeliveryReport| delivery.state == DeliveryState::Queued;
        for delivery in report.deliveries.iter().filter(going) {
            let limits = self.counted(parts, tenant, &delivery.channel, delivery.id);
            steps.extend(limits.iter().map(|_| (delivery.step, &delivery.channel)));
            counted.extend(limits);
        }
        let used = parts.used(tenant, &counted, parts.clock.now()).await?;
        let mut uses = Vec::with_capacity(used.len());
        for (((step, channel), one), used) in steps.into_iter().zip(&counted).zip(&used) {
            let found = LimitUse::new(step, channel.clone(), &one.limit, used);
            let has_failed = failed == Some(&one.premise) || !found.is_allowed();
            if has_failed && self.refused.iter().all(|refusal| refusal.step != step) {
                // Room that a step of the same notification takes is there by what is counted: the commit before the call decides.
                let until = used.room_at.filter(|_| one.limit.excess == Excess::Wait);
                let rule = one.limit.scope.rule();
                let refusal = Refusal::new(step, Reason::RateLimited, rule);
                self.refused.push(refusal.until(until));
            }
            uses.push(found);
        }
        Ok(uses)
    }

    pub(crate) fn take_request(&self) -> NotificationRequest {
        (*self.request).clone()
    }
}
