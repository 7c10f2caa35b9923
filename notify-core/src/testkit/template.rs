//! The contract of [`TemplateStore`], clause by clause.

mod change;
mod list;
mod release;
mod rows;
mod whole;

use std::sync::Arc;

use crate::audit::{Actor, AuditEntry};
use crate::clock::{Clock, Timestamp};
use crate::error::{ErrorKind, Result};
use crate::id::{Locale, TenantId};
use crate::store::Store;
use crate::template::{
    Partial, Template, TemplateFilter, TemplateKey, TemplatePage, TemplateStore, Translations,
};
use crate::testkit::{ManualClock, StoreHarness, clauses, sample};

clauses! {
    /// One test for each clause of [`TemplateStore`](crate::template::TemplateStore). Takes an
    /// expression that makes a [`StoreHarness`](crate::testkit::StoreHarness) whose store has one.
    macro $ template_tests for template: dyn StoreHarness {
        rows {
            a_template_reads_back_whole,
            a_partial_reads_back_whole,
            translations_read_back_whole,
            what_does_not_validate_is_refused,
            keys_are_compared_exactly,
        }
        change {
            the_first_put_stores_version_one,
            to_create_what_is_there_is_a_conflict,
            a_put_replaces_the_version_it_names,
            a_put_of_another_version_is_a_conflict,
            a_put_of_what_is_not_there_is_a_conflict,
            what_is_deleted_can_only_be_created,
            versions_go_on_after_a_deletion,
            what_is_deleted_is_neither_got_nor_loaded,
            deleting_what_is_not_there_changes_nothing,
            of_writers_at_the_same_time_one_wins,
        }
        list {
            a_list_is_in_the_order_of_the_keys,
            a_filter_holds_for_every_page,
            deleted_templates_are_listed_only_if_asked_for,
            pages_hold_each_template_once,
            a_page_is_no_longer_than_its_limit,
            a_page_begins_after_a_key_that_is_gone,
        }
        whole {
            load_all_reads_everything_that_is_not_deleted,
            load_all_is_one_consistent_state,
            the_revision_grows_with_every_change_and_with_nothing_else,
            a_state_has_at_least_the_revision_read_before_it,
            tenants_share_nothing,
            a_change_by_an_operator_writes_one_audit_row,
            what_changed_nothing_leaves_no_audit_row,
            a_change_by_the_application_writes_no_audit_row,
            templates_outlive_the_process,
        }
        release {
            a_published_release_is_read_back,
            publishing_again_changes_nothing,
            a_release_stays_as_it_was_published,
            an_unknown_release_is_none,
            a_release_is_read_by_who_published_it,
            a_release_that_nobody_needs_is_forgotten_when_it_is_old,
            publishing_again_keeps_a_release,
            releases_of_tenants_are_kept_apart,
            a_release_stays_while_a_delivery_is_pinned_to_it,
        }
    }
}

const APPLICATION: Actor = Actor::Application;

/// One store under test, and what clauses do with it.
struct World {
    store: Arc<dyn Store>,
    templates: Arc<dyn TemplateStore>,
    clock: Arc<ManualClock>,
    tenant: TenantId,
    actor: Actor,
}

/// What a tenant keeps: the same rules hold for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Partial,
    Template,
    Translations,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Partial, Self::Template, Self::Translations];
}

/// What the kinds have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    text: String,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
}

/// A template whose only part is `text`.
fn template(name: &str, text: &str) -> Template {
    Template::new(name, "email", "en").with_part("text", text)
}

fn key(name: &str) -> TemplateKey {
    TemplateKey::new(name, "email", "en")
}

fn partial(name: &str, text: &str) -> Partial {
    Partial::new(name, text)
}

fn translations(locale: &str, text: &str) -> Translations {
    Translations::new(locale).with("text", text)
}

macro_rules! row {
    ($of:expr, $text:expr) => {
        Row {
            text: $text,
            version: $of.version,
            created_at: $of.created_at,
            updated_at: $of.updated_at,
            deleted_at: $of.deleted_at,
        }
    };
}

impl From<Template> for Row {
    fn from(from: Template) -> Self {
        row!(from, from.parts["text"].clone())
    }
}

impl From<Partial> for Row {
    fn from(from: Partial) -> Self {
        row!(from, from.source.clone())
    }
}

impl From<Translations> for Row {
    fn from(from: Translations) -> Self {
        row!(
            from,
            serde_json::to_value(&from.entries["text"])
                .expect("JSON")
                .as_str()
                .expect("a text")
                .to_owned()
        )
    }
}

impl World {
    async fn new(harness: &dyn StoreHarness) -> Self {
        Self::of(harness.open().await, harness.clock())
    }

    fn of(store: Arc<dyn Store>, clock: Arc<ManualClock>) -> Self {
        let templates = Arc::clone(&store)
            .templates()
            .expect("the store keeps templates");
        Self {
            store,
            templates,
            clock,
            tenant: sample::tenant(),
            actor: APPLICATION,
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Puts one of a kind. What it says of version and times itself is not asked.
    async fn try_put(
        &self,
        kind: Kind,
        name: &str,
        text: &str,
        expected: Option<u64>,
    ) -> Result<Row> {
        macro_rules! put {
            ($put:ident, $row:expr) => {{
                let mut row = $row;
                (row.version, row.created_at, row.updated_at) =
                    (77, Timestamp::MAX, Timestamp::MAX);
                row.deleted_at = Some(Timestamp::EPOCH);
                self.templates
                    .$put(&self.tenant, &row, expected, &self.actor)
                    .await
                    .map(Row::from)
            }};
        }
        match kind {
            Kind::Partial => put!(put_partial, partial(name, text)),
            Kind::Template => put!(put, template(name, text)),
            Kind::Translations => put!(put_translations, translations(name, text)),
        }
    }

    async fn put(&self, kind: Kind, name: &str, text: &str, expected: Option<u64>) -> Row {
        self.try_put(kind, name, text, expected)
            .await
            .expect("is stored")
    }

    /// Puts what must be a conflict.
    async fn conflict(&self, kind: Kind, name: &str, expected: Option<u64>) {
        let put = self.try_put(kind, name, "refused", expected).await;
        let error = put.expect_err("a conflict");
        assert_eq!(
            error.kind(),
            ErrorKind::Conflict,
            "{kind:?} {expected:?}: {error}"
        );
    }

    async fn delete(&self, kind: Kind, name: &str) -> bool {
        let (tenant, actor) = (&self.tenant, &self.actor);
        let deleted = match kind {
            Kind::Partial => self.templates.delete_partial(tenant, name, actor).await,
            Kind::Template => self.templates.delete(tenant, &key(name), actor).await,
            Kind::Translations => {
                self.templates
                    .delete_translations(tenant, &Locale::from(name), actor)
                    .await
            }
        };
        deleted.expect("deletes")
    }

    /// One of a kind, if it is there and not deleted.
    async fn find(&self, kind: Kind, name: &str) -> Option<Row> {
        let all = self.templates.load_all(&self.tenant).await.expect("loads");
        match kind {
            Kind::Partial => all
                .partials
                .into_iter()
                .find(|row| row.name == name)
                .map(Row::from),
            Kind::Template => {
                let got = self
                    .templates
                    .get(&self.tenant, &key(name))
                    .await
                    .expect("gets");
                let loaded = all
                    .templates
                    .into_iter()
                    .find(|row| TemplateKey::from(row) == key(name));
                assert_eq!(got, loaded, "get and load_all differ");
                got.map(Row::from)
            }
            Kind::Translations => all
                .translations
                .into_iter()
                .find(|row| row.locale == *name)
                .map(Row::from),
        }
    }

    async fn list(&self, filter: &TemplateFilter, page: &TemplatePage) -> Vec<Template> {
        self.templates
            .list(&self.tenant, filter, page)
            .await
            .expect("lists")
    }

    async fn revision(&self) -> u64 {
        self.templates.revision(&self.tenant).await.expect("reads")
    }

    async fn rows(&self) -> Vec<AuditEntry> {
        let Some(audit) = Arc::clone(&self.store).audit() else {
            return Vec::new();
        };
        audit
            .audit_log(&self.tenant, None, 100)
            .await
            .expect("reads")
    }
}
