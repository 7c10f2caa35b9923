//! Templates, partials and translations alike: a row with a key, a version and dates.

use notify_core::id::Locale;
use notify_core::template::{Partial, Template, TemplateKey, Translations};
use notify_core::{Error, ErrorKind, Result, TenantId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;

use crate::row::{Args, column, json, to_json, unsigned};
use crate::session::Session;

/// Which row: a kind, and the names that it has; the others are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) kind: &'static str,
    name: String,
    channel: String,
    locale: String,
}

impl Key {
    pub(super) const TEMPLATE: &'static str = "template";
    pub(super) const PARTIAL: &'static str = "partial";
    pub(super) const TRANSLATIONS: &'static str = "translations";

    pub(super) fn template(key: &TemplateKey) -> Self {
        Self {
            kind: Self::TEMPLATE,
            name: key.name.as_str().to_owned(),
            channel: key.channel.as_str().to_owned(),
            locale: key.locale.as_str().to_owned(),
        }
    }

    pub(super) fn partial(name: &str) -> Self {
        let (name, nothing) = (name.to_owned(), String::new());
        Self {
            kind: Self::PARTIAL,
            name,
            channel: nothing.clone(),
            locale: nothing,
        }
    }

    pub(super) fn translations(locale: &Locale) -> Self {
        let (locale, nothing) = (locale.as_str().to_owned(), String::new());
        Self {
            kind: Self::TRANSLATIONS,
            name: nothing.clone(),
            channel: nothing,
            locale,
        }
    }

    /// What the audit log calls it.
    pub(super) fn subject(&self) -> String {
        match self.kind {
            Self::TEMPLATE => format!("{}/{}/{}", self.name, self.channel, self.locale),
            Self::PARTIAL => self.name.clone(),
            _ => self.locale.clone(),
        }
    }

    fn args(&self, args: Args, tenant: &TenantId) -> Args {
        args.with(tenant.as_str())
            .with(self.kind)
            .with(self.name.as_str())
            .with(self.channel.as_str())
            .with(self.locale.as_str())
    }
}

/// The version of a row, and its dates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dates {
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
}

impl Dates {
    /// From a row that has them after its first column.
    fn read(row: &SqliteRow) -> Result<Self> {
        Ok(Self {
            version: unsigned(column(row, 1)?, "template")?,
            created_at: Timestamp::from_micros(column(row, 2)?),
            updated_at: Timestamp::from_micros(column(row, 3)?),
            deleted_at: column::<Option<i64>>(row, 4)?.map(Timestamp::from_micros),
        })
    }
}

/// What is kept in such a row.
pub(super) trait Kept: Clone + Serialize + DeserializeOwned {
    /// Which row it is kept in.
    fn key(&self) -> Key;

    /// Sets what the store gives.
    fn date(&mut self, dates: Dates);
}

macro_rules! kept {
    ($($type:ident: $kept:ident => $key:expr;)*) => { $(
        impl Kept for $type {
            fn key(&self) -> Key {
                let $kept = self;
                $key
            }

            fn date(&mut self, dates: Dates) {
                self.version = dates.version;
                self.created_at = dates.created_at;
                self.updated_at = dates.updated_at;
                self.deleted_at = dates.deleted_at;
            }
        }
    )* };
}
kept! {
    Template: template => Key::template(&TemplateKey::from(template));
    Partial: partial => Key::partial(&partial.name);
    Translations: translations => Key::translations(&translations.locale);
}

/// What a row holds.
pub(super) fn read<K: Kept>(row: &SqliteRow) -> Result<K> {
    let mut kept: K = json(column(row, 0)?, "template")?;
    kept.date(Dates::read(row)?);
    Ok(kept)
}

/// The row with this key, also if it is deleted.
pub(super) async fn load(
    db: &mut Session<'_>,
    tenant: &TenantId,
    key: &Key,
) -> Result<Option<SqliteRow>> {
    let load = include_str!("../../sql/template_load.sql");
    db.first(load, key.args(Args::new(), tenant)).await
}

/// Whether the row is there and not deleted.
pub(super) fn is_current(row: &SqliteRow) -> Result<bool> {
    Ok(Dates::read(row)?.deleted_at.is_none())
}

/// Creates or replaces a row; answers with what is stored now.
pub(super) async fn put<K: Kept>(
    db: &mut Session<'_>,
    tenant: &TenantId,
    new: &K,
    expected: Option<u64>,
    now: Timestamp,
) -> Result<K> {
    let key = new.key();
    let known = load(db, tenant, &key).await?;
    let known = known.as_ref().map(Dates::read).transpose()?;
    let current = known.filter(|dates| dates.deleted_at.is_none());
    if current.map(|dates| dates.version) != expected {
        let why = match current {
            Some(dates) => format!("version {} is stored: read it again", dates.version),
            None => "there is none with this version: read it again".to_owned(),
        };
        return Err(Error::new(ErrorKind::Conflict, why));
    }
    let dates = Dates {
        version: known.map_or(0, |dates| dates.version) + 1,
        created_at: current.map_or(now, |dates| dates.created_at),
        updated_at: now,
        deleted_at: None,
    };
    let mut stored = new.clone();
    stored.date(dates);
    let args = key
        .args(Args::new(), tenant)
        .with(to_json(&stored)?)
        .with(i64::try_from(dates.version).unwrap_or(i64::MAX))
        .with(dates.created_at.as_micros())
        .with(dates.updated_at.as_micros());
    db.execute(include_str!("../../sql/template_put.sql"), args)
        .await?;
    Ok(stored)
}

/// Marks a row as deleted; whether there was one.
pub(super) async fn delete(
    db: &mut Session<'_>,
    tenant: &TenantId,
    key: &Key,
    now: Timestamp,
) -> Result<bool> {
    let args = key.args(Args::new().with(now.as_micros()), tenant);
    Ok(db
        .execute(include_str!("../../sql/template_delete.sql"), args)
        .await?
        > 0)
}
