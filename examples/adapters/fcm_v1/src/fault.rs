//! Whose fault an error of `fcm_v1` is: it keeps the status and the body in one text, and loses all headers.

use fcm_v1::Error;
use notify_core::provider::Fault;
use serde_json::Value;

/// An error of the crate, as a fault.
pub(crate) fn of(error: &Error) -> Fault {
    match error {
        Error::Auth => Fault::config("auth"),
        Error::Config => Fault::config("config"),
        Error::FCM(text) => refused(text),
        // A yes that it cannot read, or anything between here and there: it may have gone out.
        Error::Deserialization => Fault::unknown("answer"),
        Error::Timeout => Fault::unknown("timeout"),
    }
}

/// `error code 404 (Not Found): {…}`.
fn refused(text: &str) -> Fault {
    let rest = text.strip_prefix("error code ").unwrap_or_default();
    let status: u16 = rest
        .split(' ')
        .next()
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    let body = text.split_once("): ").map_or("", |(_, body)| body);
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let details = body.pointer("/error/details").and_then(Value::as_array);
    let details = details.into_iter().flatten();
    let code = details.filter_map(|one| one["errorCode"].as_str()).next();
    match (code, status) {
        (Some(code @ ("UNREGISTERED" | "SENDER_ID_MISMATCH")), _) => {
            Fault::recipient(code.to_owned())
        }
        (Some("THIRD_PARTY_AUTH_ERROR"), _) | (_, 401 | 403) => {
            Fault::config(format!("http_{status}"))
        }
        (_, 408 | 429 | 500..=599) => Fault::provider(format!("http_{status}")),
        (_, 400..=499) => Fault::request(format!("http_{status}")),
        _ => Fault::unknown(format!("http_{status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::provider::FaultKind;

    #[test]
    fn what_the_crate_says_is_read_back_from_its_text() {
        let gone = r#"error code 404 (Not Found): {"error": {"details": [{"errorCode": "UNREGISTERED"}]}}"#;
        let fault = of(&Error::FCM(gone.to_owned()));
        assert_eq!(
            (fault.kind(), fault.code()),
            (FaultKind::Recipient, "UNREGISTERED")
        );
        let plain = of(&Error::FCM("error code 404 (Not Found): <html>".to_owned()));
        assert_eq!(
            plain.kind(),
            FaultKind::Request,
            "a bare 404 says nothing about the device"
        );
        assert_eq!(of(&Error::Timeout).kind(), FaultKind::Unknown);
    }
}
