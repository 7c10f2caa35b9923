//! Helpers that compare, choose and count.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, JsonRender, JsonTruthy, RenderContext, RenderError,
    ScopedJson,
};
use serde_json::Value;
use std::cmp::Ordering;

use super::{argument, fail};

/// A helper that is a function of its arguments.
struct Pure(fn(&Helper<'_>) -> Result<Value, RenderError>);

impl HelperDef for Pure {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        (self.0)(h).map(ScopedJson::Derived)
    }
}

pub(super) fn register_pure(
    registry: &mut Handlebars<'_>,
    name: &str,
    function: fn(&Helper<'_>) -> Result<Value, RenderError>,
) {
    registry.register_helper(name, Box::new(Pure(function)));
}

pub(super) fn register(registry: &mut Handlebars<'_>) {
    register_pure(registry, "eq", |h| {
        compare(h, |order| order == Some(Ordering::Equal))
    });
    register_pure(registry, "ne", |h| {
        compare(h, |order| order != Some(Ordering::Equal))
    });
    register_pure(registry, "gt", |h| {
        compare(h, |order| order == Some(Ordering::Greater))
    });
    register_pure(registry, "lt", |h| {
        compare(h, |order| order == Some(Ordering::Less))
    });
    register_pure(registry, "gte", |h| {
        compare(h, |order| order.is_some_and(Ordering::is_ge))
    });
    register_pure(registry, "lte", |h| {
        compare(h, |order| order.is_some_and(Ordering::is_le))
    });
    register_pure(registry, "and", |h| {
        Ok(h.params().iter().all(|p| truthy(p.value())).into())
    });
    register_pure(registry, "or", |h| {
        Ok(h.params().iter().any(|p| truthy(p.value())).into())
    });
    register_pure(registry, "not", |h| {
        Ok((!h.params().iter().any(|p| truthy(p.value()))).into())
    });
    register_pure(registry, "len", len);
    register_pure(registry, "lookup", lookup);
    register_pure(registry, "default", default);
}

fn truthy(value: &Value) -> bool {
    value.is_truthy(false)
}

fn compare(h: &Helper<'_>, test: fn(Option<Ordering>) -> bool) -> Result<Value, RenderError> {
    Ok(test(order(argument(h, 0)?, argument(h, 1)?)).into())
}

/// How two values compare; `None` where they do not.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => match (x.as_i128(), y.as_i128()) {
            (Some(x), Some(y)) => Some(x.cmp(&y)),
            _ => x.as_f64()?.partial_cmp(&y.as_f64()?),
        },
        (Value::String(x), Value::String(y)) => Some(x.cmp(y)),
        (Value::Bool(x), Value::Bool(y)) => Some(x.cmp(y)),
        _ if a == b => Some(Ordering::Equal),
        _ => None,
    }
}

/// How many entries or characters.
fn len(h: &Helper<'_>) -> Result<Value, RenderError> {
    Ok(match argument(h, 0)? {
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        Value::String(text) => text.chars().count(),
        Value::Null => 0,
        _ => return Err(fail("len takes a list, an object or a text")),
    }
    .into())
}

/// One entry; it must be there.
fn lookup(h: &Helper<'_>) -> Result<Value, RenderError> {
    let (of, key) = (argument(h, 0)?, argument(h, 1)?);
    let found = match (of, key) {
        (Value::Array(items), Value::Number(index)) => index
            .as_u64()
            .and_then(|index| items.get(usize::try_from(index).ok()?)),
        (Value::Object(map), Value::String(key)) => map.get(key),
        (Value::Object(map), Value::Number(key)) => map.get(&key.to_string()),
        _ => None,
    };
    found.cloned().ok_or_else(|| {
        let path = h
            .param(0)
            .and_then(|of| of.relative_path())
            .map_or("…", String::as_str);
        // A key may come from the data, which errors must not show.
        let is_written = h
            .param(1)
            .is_some_and(|key| key.try_get_constant_value().is_some());
        let key = if is_written {
            key.render()
        } else {
            "…".to_owned()
        };
        RenderError::strict_error(Some(&format!("{path}.{key}")))
    })
}

/// The second where the first is missing, null or empty text.
fn default(h: &Helper<'_>) -> Result<Value, RenderError> {
    let given = h
        .param(0)
        .map(|p| p.value())
        .filter(|v| !v.is_null() && v.as_str() != Some(""));
    given.map_or_else(|| argument(h, 1).cloned(), |value| Ok(value.clone()))
}
