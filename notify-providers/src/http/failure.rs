//! What a call that got no answer means, in the one place that looks at the client's errors.

use notify_core::provider::Fault;
use std::error::Error;
use std::io;

use super::ssrf::Forbidden;

/// The fault of a call that ended without a status. `nothing_written`: it is certain that the vendor saw nothing of a message.
pub(super) fn fault_of(error: &reqwest::Error, nothing_written: bool) -> Fault {
    if let Some(cause) = find::<Forbidden>(error) {
        return Fault::request(cause.code());
    }
    if error.is_builder() {
        return Fault::request("url");
    }
    if let Some(code) = find::<h2::Error>(error).and_then(never_looked_at) {
        return Fault::provider(code);
    }
    // A connection that could not be opened carried nothing, also where the whole message is in the URL.
    if !nothing_written && !error.is_connect() {
        return Fault::unknown("connection");
    }
    match find::<rustls::Error>(error) {
        Some(tls) => crate::tls::fault_of(tls),
        None if error.is_timeout() => Fault::provider("connect_timeout"),
        None if error.is_dns() => Fault::provider("dns"),
        None if error.is_connect() => Fault::provider("connect"),
        None => Fault::provider("connection"),
    }
}

/// Whether the other side says that it did nothing with the request (RFC 9113 §8.7): the stream was refused, or is one of those
/// that a `GOAWAY` leaves out. h2 gives the error of a `GOAWAY` to exactly those streams.
fn never_looked_at(error: &h2::Error) -> Option<&'static str> {
    if !error.is_remote() {
        return None;
    }
    if error.is_go_away() {
        return Some("go_away");
    }
    (error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM))
        .then_some("refused_stream")
}

/// The first cause of this type. An [`io::Error`] around another error hides it from `source`.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        next = match cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}
