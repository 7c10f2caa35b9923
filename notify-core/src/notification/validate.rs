//! The sizes of a request's fields, checked at the call.

use crate::digest::Digest;
use crate::error::Result;
use crate::limits::{Limits, at_most, bytes, required};
use crate::notification::{NotificationRequest, Route};

/// Checks every field of a request.
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::error::ErrorKind::Invalid) naming the field and its limit.
pub fn validate(request: &NotificationRequest) -> Result<()> {
    required("kind", request.kind(), Limits::TEMPLATE)?;
    required("category", request.category().as_str(), Limits::CATEGORY)?;
    let texts = [
        (
            "template",
            request.template().map(AsRef::as_ref),
            Limits::TEMPLATE,
        ),
        (
            "idempotency_key",
            request.idempotency_key().map(AsRef::as_ref),
            Limits::KEY,
        ),
        ("source", request.source().map(AsRef::as_ref), Limits::KEY),
        (
            "digest_key",
            request.digest_key().map(AsRef::as_ref),
            Limits::KEY,
        ),
        (
            "correlation_id",
            request.correlation_id().map(AsRef::as_ref),
            Limits::KEY,
        ),
        (
            "actor",
            request.actor().map(AsRef::as_ref),
            Limits::RECIPIENT,
        ),
    ];
    for (field, text, max) in texts {
        if let Some(text) = text {
            required(field, text, max)?;
        }
    }
    if let Some(content) = request.content() {
        at_most("content.title", &content.title, Limits::TITLE)?;
        bytes("content.body", content.body.len(), Limits::BODY_BYTES)?;
        bytes(
            "content.html",
            content.html.as_ref().map_or(0, String::len),
            Limits::BODY_BYTES,
        )?;
    }
    request.digest().map_or(Ok(()), Digest::validate)?;
    let attached = request.attachments().iter().map(|a| a.data.len()).sum();
    bytes("attachments", attached, Limits::ATTACHMENT_BYTES)?;
    request.route().map_or(Ok(()), Route::validate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notification::Content;

    #[test]
    fn each_field_that_is_too_long_is_named() {
        let long = "x".repeat(256);
        let base = || NotificationRequest::new("kind", "category");
        let cases = [
            ("kind", NotificationRequest::new(long.as_str(), "c")),
            ("category", NotificationRequest::new("k", "x".repeat(101))),
            ("template", base().with_template(long.as_str())),
            (
                "idempotency_key",
                base().with_idempotency_key(long.as_str()),
            ),
            ("source", base().with_source(long.as_str())),
            ("correlation_id", base().with_correlation_id("a\r\nb")),
            (
                "content.title",
                base().with_content(Content::new(long.as_str(), "")),
            ),
            (
                "content.body",
                base().with_content(Content::new("", "x".repeat(300_000))),
            ),
            ("kind", NotificationRequest::new("", "c")),
        ];
        for (field, request) in cases {
            let error = validate(&request).expect_err(field);
            assert_eq!(error.field_name(), Some(field));
        }
        assert!(validate(&base()).is_ok());
        assert_eq!(
            Limits::check_data(70_000)
                .expect_err("too large")
                .field_name(),
            Some("data")
        );
    }

    #[test]
    fn limits_count_characters_and_not_bytes() {
        assert!(validate(&NotificationRequest::new("я".repeat(255), "c")).is_ok());
    }
}
