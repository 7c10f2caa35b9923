//! What gathers, until when, and what the digest says: pure.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use crate::calendar::{Zone, first_open};
use crate::clock::Timestamp;
use crate::delivery::{Decision, Delivery, Reason};
use crate::digest::Digest;
use crate::id::{ChannelId, TemplateName};
use crate::limits::Limits;
use crate::notification::{Category, Content, InQuietHours, NotificationRequest, Route};
use crate::planner::{Planned, Planning, Rules, Snapshot};
use crate::preference::quiet_hours;
use crate::recipient::Recipient;

/// The most that the items of a digest take as JSON: 1 MiB. What comes after that is counted and not shown.
const ITEM_BYTES: usize = 1024 * 1024;

/// What a planned delivery gathers with; one that is to be sent now only begins it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gathering {
    /// When that leaves, if this is the first of it.
    pub until: Timestamp,
    /// With how many it is full.
    pub max_items: u32,
    /// Whether the plan rests on something being gathered already, or on nothing; `None` if it would be the same.
    pub open: Option<bool>,
}

/// How a request gathers: as it says itself, else as its category says.
#[must_use]
pub fn digest_rule<'a>(
    request: &'a NotificationRequest,
    category: &'a Category,
) -> Option<&'a Digest> {
    request.digest().or(category.digest())
}

/// When what began to gather at `opened_at` leaves: when its rule says, and not in quiet hours or outside of the send window.
/// Without a rule it is what gathered in quiet hours, and leaves at their end. `None` if that never comes.
#[must_use]
pub fn digest_until(
    rules: &Rules,
    rule: Option<&Digest>,
    category: &Category,
    channel: &ChannelId,
    snapshot: &Snapshot,
    opened_at: Timestamp,
) -> Option<Timestamp> {
    let zone = snapshot.recipient.as_ref().and_then(Recipient::zone);
    let zone = Zone::get_or(zone, rules.zone());
    let from = match rule.filter(|rule| !rule.is_never()) {
        Some(rule) => rule.until(opened_at, &zone)?,
        None => opened_at,
    };
    let preferences = snapshot.preferences.as_ref();
    let quiet = quiet_hours(category, channel, rules.defaults(), preferences);
    // What is dropped in quiet hours is dropped when it would leave.
    let quiet = quiet.filter(|quiet| quiet.then != InQuietHours::Drop);
    let quiet = quiet.map(|quiet| quiet.closed(&zone));
    let window = category.window_on(channel);
    let window = window.and_then(|window| window.closed(&zone));
    let closed: Vec<_> = quiet.into_iter().chain(window).collect();
    first_open(&closed, from)
}

impl Planning<'_> {
    /// Lets what would go now, or be held by the clock, gather, if its rule says so or `quiet` hours do.
    pub(super) fn gather(&self, one: &mut Planned, snapshot: &Snapshot, quiet: bool) {
        let by_clock = [Reason::QuietHours, Reason::OutsideSendWindow];
        let is_held = match one.decision {
            Decision::Send => false,
            Decision::Hold { reason, .. } if by_clock.contains(&reason) => true,
            _ => return,
        };
        if !self.can_gather(one) {
            return;
        }
        let rule = digest_rule(self.request, self.category);
        match rule {
            Some(rule) if rule.is_never() => return,
            None if !(quiet && is_held) => return,
            _ => {}
        }
        let (channel, now) = (&one.channel, snapshot.now);
        let until = digest_until(self.rules, rule, self.category, channel, snapshot, now);
        // What would be worth nothing by then goes by itself.
        let is_in_time = |until: &Timestamp| self.expires_at.is_none_or(|end| *until < end);
        let Some(until) = until.filter(is_in_time) else {
            return;
        };
        let is_open = self
            .refused
            .iter()
            .any(|refusal| refusal.step == one.step && refusal.reason == Reason::Digest);
        let depends = !is_held && rule.is_some_and(Digest::is_first_now);
        let is_first = depends && !is_open;
        one.trace.rule("digest", !is_first);
        one.gathering = Some(Gathering {
            until,
            max_items: rule.map_or(crate::digest::MAX_ITEMS, Digest::most_items),
            open: depends.then_some(is_open),
        });
        if !is_first {
            one.decision = Decision::Digest { until };
        }
    }

    /// Whether it is of a kind that can wait with others.
    fn can_gather(&self, one: &Planned) -> bool {
        let steps = self.route.steps().iter();
        // What waits for it could not know what became of it.
        let mut after = steps.filter_map(|step| step.after);
        let is_waited_for = after.any(|(before, _)| before == one.step);
        self.rules.has_digests()
            && one.after.is_none()
            && !is_waited_for
            && self.request.send_at().is_none()
            && self.request.attachments().is_empty()
    }
}

/// What a digest of these deliveries, in the order in which they were accepted, says; `None` of nothing.
///
/// Its data is that of the newest, and besides:
///
/// | name | what |
/// |---|---|
/// | `items` | the data of each, oldest first, with its `kind`; content given in the call as `title`, `body`, `click_action` |
/// | `count` | how many there are |
/// | `counts` | how many of each kind |
/// | `more` | how many of them are not among the items, which take 1 MiB at most |
///
/// It is rendered with the template of the newest with `.digest` behind its name, if `has_template` knows it on the channel. Else, if
/// content was given for the newest, its title stands over the texts of all; else its own template says it, which can ask for `count`.
#[must_use]
pub fn merge(
    members: &[Delivery],
    now: Timestamp,
    has_template: impl Fn(&TemplateName) -> bool,
) -> Option<NotificationRequest> {
    let newest = members.last()?;
    let mut data = object(newest.request.data());
    let (mut items, mut bytes) = (Vec::new(), 0);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for member in members {
        *counts.entry(member.request.kind()).or_default() += 1;
        let item = Value::Object(item(&member.request));
        bytes += item.to_string().len();
        if bytes <= ITEM_BYTES {
            items.push(item);
        }
    }
    data.insert("more".to_owned(), json!(members.len() - items.len()));
    data.insert("items".to_owned(), Value::Array(items));
    data.insert("count".to_owned(), json!(members.len()));
    data.insert("counts".to_owned(), json!(counts));
    let request = &newest.request;
    let mut digest = NotificationRequest::new(request.kind(), request.category().clone())
        .with_data(Value::Object(data))
        .ok()?
        .with_route(Route::to(newest.channel.clone()))
        .with_digest(Digest::never());
    let own = request.template_name();
    let gathered = TemplateName::from(format!("{own}.digest"));
    digest = match request.content() {
        _ if has_template(&gathered) => digest.with_template(gathered),
        Some(content) => digest.with_content(joined(content, members)),
        None => digest.with_template(own),
    };
    if let Some(priority) = members.iter().map(|member| member.priority).max() {
        digest = digest.with_priority(priority);
    }
    // No call for any of them begins at or after its expiry.
    let ends = members.iter().filter_map(|member| member.expires_at).min();
    Some(match ends {
        Some(end) => digest.with_expires_after(end.since(now)),
        None => digest,
    })
}

fn object(data: &Value) -> Map<String, Value> {
    data.as_object().cloned().unwrap_or_default()
}

/// What a template sees of one event.
fn item(request: &NotificationRequest) -> Map<String, Value> {
    let mut item = object(request.data());
    if let Some(content) = request.content() {
        let texts = [
            ("title", Some(&content.title)),
            ("body", Some(&content.body)),
            ("click_action", content.click_action.as_ref()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                item.entry(name).or_insert_with(|| json!(text));
            }
        }
    }
    item.entry("kind").or_insert_with(|| json!(request.kind()));
    item
}

/// The newest title over all texts, each under its own title.
fn joined(newest: &Content, members: &[Delivery]) -> Content {
    let mut body = String::new();
    let contents = members.iter().filter_map(|one| one.request.content());
    for content in contents {
        let text = format!("{}\n{}\n\n", content.title, content.body);
        if body.len() + text.len() > Limits::BODY_BYTES {
            break;
        }
        body.push_str(&text);
    }
    body.truncate(body.trim_end().len());
    let mut content = Content::new(newest.title.clone(), body);
    content.click_action.clone_from(&newest.click_action);
    content
}

#[cfg(test)]
mod tests;
