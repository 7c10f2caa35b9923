//! Values in and out of statements: parameters by position, columns by position, and the codes of what is stored as a number.

use notify_core::delivery::DeliveryState;
use notify_core::notification::{Class, Priority};
use notify_core::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, Decode, Encode, Row, Sqlite, Type};

use crate::error;

/// The parameters of a statement, in order.
#[derive(Debug, Default)]
pub(crate) struct Args {
    values: SqliteArguments,
    count: usize,
    failed: bool,
}

impl Args {
    /// No parameters.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Makes room for so many more.
    pub(crate) fn reserve(&mut self, values: usize) {
        self.values.reserve(values, 0);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One more parameter.
    pub(crate) fn push<'q>(&mut self, value: impl Encode<'q, Sqlite> + Type<Sqlite>) {
        self.failed |= Arguments::add(&mut self.values, value).is_err();
        self.count += 1;
    }

    /// One more parameter.
    pub(crate) fn with<'q>(mut self, value: impl Encode<'q, Sqlite> + Type<Sqlite>) -> Self {
        self.push(value);
        self
    }

    /// How many rows a statement must have changed.
    pub(crate) fn push_count(&mut self, rows: usize) {
        self.push(i64::try_from(rows).unwrap_or(i64::MAX));
    }

    /// So many times `NULL`.
    pub(crate) fn pad(&mut self, values: usize) {
        for _ in 0..values {
            self.push(None::<i64>);
        }
    }

    pub(crate) fn finish(self) -> Result<SqliteArguments> {
        if self.failed {
            return Err(Error::new(
                ErrorKind::Unexpected,
                "a parameter does not encode; please report it",
            ));
        }
        Ok(self.values)
    }
}

/// The column at this place.
///
/// # Errors
/// `Corrupt` if it holds something else.
pub(crate) fn column<'r, T>(row: &'r SqliteRow, place: usize) -> Result<T>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(place).map_err(error::storage)
}

/// The 16 bytes of an id, or of anything else of that size.
pub(crate) fn bytes<const N: usize>(row: &SqliteRow, place: usize, what: &str) -> Result<[u8; N]> {
    column::<&[u8]>(row, place)?
        .try_into()
        .map_err(|_| error::corrupt(what))
}

/// As [`bytes`], or `None` if there are none.
pub(crate) fn optional_bytes<const N: usize>(
    row: &SqliteRow,
    place: usize,
    what: &str,
) -> Result<Option<[u8; N]>> {
    let bytes: Option<&[u8]> = column(row, place)?;
    bytes
        .map(|bytes| bytes.try_into().map_err(|_| error::corrupt(what)))
        .transpose()
}

/// A value kept as JSON.
pub(crate) fn json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| error::corrupt(what))
}

/// A value to keep as JSON.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| {
        Error::new(
            ErrorKind::Unexpected,
            "a value does not serialise; please report it",
        )
        .source(e)
    })
}

/// A value to keep as JSON that the application made, and that must read back.
///
/// # Errors
/// `Invalid`, naming the field, if it is nested more deeply than is read.
pub(crate) fn to_readable_json<T: serde::Serialize + DeserializeOwned>(
    value: &T,
    field: &'static str,
) -> Result<String> {
    let text = to_json(value)?;
    match serde_json::from_str::<T>(&text) {
        Ok(_) => Ok(text),
        Err(e) => Err(Error::invalid(
            field,
            "is nested too deeply, or holds a number that is none",
        )
        .source(e)),
    }
}

/// A number that is never negative.
pub(crate) fn unsigned<T: TryFrom<i64>>(number: i64, what: &str) -> Result<T> {
    T::try_from(number).map_err(|_| error::corrupt(what))
}

/// The state with this number.
pub(crate) fn state(code: i64) -> Result<DeliveryState> {
    u8::try_from(code)
        .ok()
        .and_then(DeliveryState::from_code)
        .ok_or_else(|| error::corrupt("delivery state"))
}

/// The priority with this number.
pub(crate) fn priority(rank: i64) -> Result<Priority> {
    u8::try_from(rank)
        .ok()
        .and_then(Priority::from_rank)
        .ok_or_else(|| error::corrupt("priority"))
}

/// The number of a class.
pub(crate) const fn class_code(class: Class) -> i64 {
    match class {
        Class::Critical => 0,
        Class::Transactional => 1,
        Class::Marketing => 2,
    }
}

/// The class with this number.
pub(crate) fn class(code: i64) -> Result<Class> {
    match code {
        0 => Ok(Class::Critical),
        1 => Ok(Class::Transactional),
        2 => Ok(Class::Marketing),
        _ => Err(error::corrupt("class")),
    }
}

/// The bound of a page of numbers: those below `before`, or all.
pub(crate) fn before_or_all(before: Option<u64>) -> i64 {
    before
        .and_then(|before| i64::try_from(before).ok())
        .unwrap_or(i64::MAX)
}
