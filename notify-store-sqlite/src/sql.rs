//! The statements of `sql/`, with the configured prefix in place of `notify_`, and repeated for several rows.
//!
//! A file holds one statement, or several that always run together. Every name in it begins with `notify_`. A list of rows is
//! written once, after a marker:
//!
//! - `VALUES /*rows*/(?, ?)`: repeated for 1, 4, 16, 64 or 256 rows, so that few different statements stay prepared;
//!   any number of rows runs as several of them.
//! - `VALUES /*padded*/(?, ?)`: repeated for 1, 2, 3, 4, 6, 8, 12, … 256 rows; the rows that are not needed are `NULL`, and the statement must
//!   leave them out (`WHERE column1 IS NOT NULL`).
//!
//! Parameters are plain `?`.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The prefix that the files are written with.
const PREFIX: &str = "notify_";
const ROWS: &str = "/*rows*/";
const PADDED: &str = "/*padded*/";
/// The most rows of one statement.
pub(crate) const MOST_ROWS: usize = 256;

/// How the rows of a statement are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Exactly as many as are given.
    Exact,
    /// At least as many as are given.
    Padded,
}

/// The address and length of a text in the program, and its number of rows.
type Key = (usize, usize, usize);

/// The statements of one store, by their text in the program.
#[derive(Debug)]
pub(crate) struct Sql {
    prefix: Box<str>,
    ready: RwLock<HashMap<Key, SqlStr>>,
    /// Texts that run one after the other in one trip.
    joined: RwLock<HashMap<Vec<Key>, SqlStr>>,
}

fn key(text: &'static str, rows: usize) -> Key {
    (text.as_ptr().addr(), text.len(), rows)
}

impl Sql {
    pub(crate) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.into(),
            ready: RwLock::default(),
            joined: RwLock::default(),
        }
    }

    /// `text` with this store's prefix.
    pub(crate) fn prefixed(&self, text: &str) -> String {
        text.replace(PREFIX, &self.prefix)
    }

    /// The statement for so many rows; 0 where it has no list of rows.
    pub(crate) fn sized(&self, text: &'static str, rows: usize) -> SqlStr {
        self.ready(text, rows)
    }

    /// Texts, each for so many rows, as one.
    pub(crate) fn joined(&self, texts: &[(&'static str, usize)]) -> SqlStr {
        let key: Vec<Key> = texts.iter().map(|(text, rows)| key(text, *rows)).collect();
        let known = self
            .joined
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(known) = known {
            return known;
        }
        let parts: Vec<_> = texts
            .iter()
            .map(|(text, rows)| self.ready(text, *rows))
            .collect();
        let parts: Vec<&str> = parts.iter().map(SqlStr::as_str).collect();
        let sql = AssertSqlSafe(Arc::<str>::from(parts.join(";\n"))).into_sql_str();
        self.joined
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, sql.clone());
        sql
    }

    fn ready(&self, text: &'static str, rows: usize) -> SqlStr {
        let key = key(text, rows);
        if let Some(sql) = self
            .ready
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
        {
            return sql.clone();
        }
        let made = if rows == 0 {
            self.prefixed(text)
        } else {
            self.prefixed(&repeat(text, rows))
        };
        let sql = AssertSqlSafe(Arc::<str>::from(made)).into_sql_str();
        self.ready
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, sql.clone());
        sql
    }
}

/// How a statement's rows are repeated.
pub(crate) fn rows_of(text: &str) -> Rows {
    if text.contains(PADDED) {
        Rows::Padded
    } else {
        Rows::Exact
    }
}

/// How many rows the next statement takes when so many are left.
pub(crate) const fn bucket(rows: Rows, left: usize) -> usize {
    match rows {
        Rows::Padded => padded(left),
        Rows::Exact => match left {
            256.. => 256,
            64.. => 64,
            16.. => 16,
            4.. => 4,
            _ => 1,
        },
    }
}

/// The next of 1, 2, 3, 4, 6, 8, 12, … 256: a third at most is padding.
pub(crate) const fn padded(rows: usize) -> usize {
    if rows >= MOST_ROWS {
        return MOST_ROWS;
    }
    let whole = rows.next_power_of_two();
    let less = whole / 4 * 3;
    if less >= rows { less } else { whole }
}

/// Repeats every group that follows a marker.
fn repeat(text: &str, rows: usize) -> String {
    let mut made = String::with_capacity(text.len() * rows / 2);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(PADDED).or_else(|| rest.split_once(ROWS)) {
        made.push_str(before);
        let end = after.find(')').map_or(after.len(), |end| end + 1);
        // Shorter texts are found faster among those that are prepared.
        let group = after[..end].replace(' ', "");
        for row in 0..rows {
            if row > 0 {
                made.push(',');
            }
            made.push_str(&group);
        }
        rest = &after[end..];
    }
    made.push_str(rest);
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_repeated_and_names_prefixed() {
        let sql = Sql::new("app_");
        let text = "INSERT INTO notify_lanes VALUES /*rows*/(?, ?) RETURNING no";
        assert_eq!(
            sql.sized(text, 2).as_str(),
            "INSERT INTO app_lanes VALUES (?,?),(?,?) RETURNING no"
        );
        assert_eq!(
            sql.sized("SELECT * FROM notify_lanes", 0).as_str(),
            "SELECT * FROM app_lanes"
        );
    }

    #[test]
    fn texts_are_joined_once_for_each_order_and_size() {
        let sql = Sql::new("app_");
        const PUT: &str = "INSERT INTO notify_words VALUES /*padded*/(?, ?)";
        let joined = sql.joined(&[("BEGIN", 0), (PUT, 2), ("COMMIT", 0)]);
        assert_eq!(
            joined.as_str(),
            "BEGIN;\nINSERT INTO app_words VALUES (?,?),(?,?);\nCOMMIT"
        );
        let shorter = sql.joined(&[("BEGIN", 0), (PUT, 1), ("COMMIT", 0)]);
        assert_ne!(joined.as_str(), shorter.as_str());
        let again = sql.joined(&[("BEGIN", 0), (PUT, 2), ("COMMIT", 0)]);
        assert!(std::ptr::eq(joined.as_str(), again.as_str()));
    }

    #[test]
    fn few_sizes_cover_every_number_of_rows() {
        for rows in 1..1_000 {
            let (mut left, mut statements) = (rows, 0);
            while left > 0 {
                left -= bucket(Rows::Exact, left);
                statements += 1;
            }
            assert!(statements <= 12 + rows / MOST_ROWS, "{rows}: {statements}");
            let size = bucket(Rows::Padded, rows);
            assert!(
                size >= rows.min(MOST_ROWS) && size <= rows + rows / 2 + 1,
                "{rows}: {size}"
            );
        }
    }
}
