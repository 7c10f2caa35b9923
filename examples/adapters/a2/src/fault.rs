//! Whose fault an error of `a2` is. It tells neither how long to wait nor reasons it does not know.

use a2::{Error, ErrorReason as Why};
use notify_core::provider::Fault;

/// An error of the crate, as a fault.
pub(crate) fn of(error: &Error) -> Fault {
    match error {
        Error::ResponseError(response) => match &response.error {
            Some(body) => reason(&body.reason),
            // A reason that the crate has no name for is lost in it: the status is all there is.
            None => status(response.code),
        },
        Error::SerializeError(_) | Error::InvalidOptions(_) | Error::BuildRequestError(_) => {
            Fault::request("invalid")
        }
        Error::SignerError(_)
        | Error::ReadError(_)
        | Error::Tls(_)
        | Error::UnexpectedKey(_)
        | Error::InvalidCertificate => Fault::config("key"),
        Error::ClientError(error) if error.is_connect() => Fault::provider("connect"),
        // Cut off: it may have been taken.
        Error::ConnectionError(_) | Error::ClientError(_) => Fault::unknown("connection"),
        Error::RequestTimeout(_) => Fault::unknown("timeout"),
    }
}

fn reason(why: &Why) -> Fault {
    let code = format!("{why:?}");
    match why {
        Why::BadDeviceToken | Why::DeviceTokenNotForTopic | Why::Unregistered => {
            Fault::recipient(code)
        }
        Why::BadCertificate
        | Why::BadCertificateEnvironment
        | Why::ExpiredProviderToken
        | Why::Forbidden
        | Why::InvalidProviderToken
        | Why::MissingProviderToken
        | Why::BadTopic
        | Why::MissingTopic
        | Why::TopicDisallowed => Fault::config(code),
        Why::TooManyProviderTokenUpdates
        | Why::TooManyRequests
        | Why::InternalServerError
        | Why::ServiceUnavailable
        | Why::IdleTimeout
        | Why::Shutdown => Fault::provider(code),
        _ => Fault::request(code),
    }
}

fn status(code: u16) -> Fault {
    let text = format!("http_{code}");
    match code {
        // `ExpiredToken`, which the crate cannot name, has this status, and so has no other.
        410 => Fault::recipient(text),
        401 | 403 => Fault::config(text),
        429 | 500..=599 => Fault::provider(text),
        400..=499 => Fault::request(text),
        // A yes that cannot be read.
        _ => Fault::unknown(text),
    }
}
