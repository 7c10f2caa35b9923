//! The MIME form of an email: what is sent over SMTP and written to files.
//!
//! Built with lettre's message builder, and checked twice: what goes in (no line breaks in anything
//! that becomes a header), and what comes out (only CRLF, no NUL, no line over 998 bytes), because
//! SMTP smuggling lives in the gap between two readings of a line.

mod header;
mod mailbox;
mod name;
mod part;

pub(crate) use mailbox::{Path, mailbox};
pub(crate) use name::stable_name;

use lettre::message::header::Date;
use notify_core::channel::{EmailMessage, Mailbox};
use notify_core::clock::Timestamp;
use notify_core::id::AddressScheme;
use notify_core::notification::Class;
use notify_core::provider::{Envelope, Fault};
use notify_core::{Address, ChannelId};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use header::Field;

/// The longest line that a mail may have, without its CRLF (RFC 5322 §2.1.1).
const MAX_LINE: usize = 998;

/// A mail as bytes, and the two addresses of its envelope.
pub(crate) struct Mail {
    /// Without angle brackets; the same for every attempt with the same key.
    pub(crate) message_id: String,
    /// Who gets the bounces.
    pub(crate) sender: Path,
    /// Who gets the mail.
    #[cfg_attr(
        not(feature = "smtp"),
        expect(dead_code, reason = "files have no envelope")
    )]
    pub(crate) recipient: Path,
    /// Whether the sender came with the message, and not from the provider's configuration.
    #[cfg_attr(
        not(feature = "smtp"),
        expect(dead_code, reason = "only servers judge senders")
    )]
    pub(crate) own_sender: bool,
    /// Header and body; every line ends in CRLF, the last one included.
    pub(crate) bytes: Vec<u8>,
}

/// What a provider adds to a mail that does not say it itself.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) from: Mailbox,
    pub(crate) reply_to: Option<Mailbox>,
}

/// Builds the mail. Pure but for the random boundaries between parts.
///
/// # Errors
/// A request fault naming what cannot be sent: `wrong_channel`, `wrong_scheme`, `no_body`,
/// `header_…`, `attachment_…`, `line_too_long`; a recipient fault `bad_address` if the address is
/// none.
pub(crate) fn compose(
    envelope: &Envelope,
    defaults: &Defaults,
    now: Timestamp,
) -> Result<Mail, Fault> {
    if *envelope.message.channel() != ChannelId::EMAIL {
        return Err(Fault::request("wrong_channel"));
    }
    let email = envelope.message.body::<EmailMessage>()?;
    let recipient = recipient(&envelope.address)?;
    let from = mailbox(email.from.as_ref().unwrap_or(&defaults.from))
        .map_err(|_| Fault::request("header_from"))?;
    let sender = Path::of(from.email.as_ref()).ok_or_else(|| Fault::request("header_from"))?;
    let message_id = format!("{}@{}", stable_name(&envelope.key), sender.domain());

    let to = lettre::Address::new(recipient.local(), recipient.domain())
        .map_err(|_| Fault::recipient("bad_address"))?;
    let mut builder = lettre::Message::builder()
        .header(Date::new(system_time(now)))
        .from(from)
        .to(to.into())
        .raw_header(header::verbatim("Message-ID", format!("<{message_id}>")).value);
    if let Some(reply_to) = email.reply_to.as_ref().or(defaults.reply_to.as_ref()) {
        builder =
            builder.reply_to(mailbox(reply_to).map_err(|_| Fault::request("header_reply_to"))?);
    }
    for field in fields(envelope, email, sender.domain())? {
        builder = builder.raw_header(field.value);
    }
    let mut bytes = part::build(builder, email)?.formatted();
    if !bytes.ends_with(b"\r\n") {
        bytes.extend_from_slice(b"\r\n");
    }
    check_lines(&bytes)?;
    Ok(Mail {
        message_id,
        sender,
        recipient,
        own_sender: email.from.is_some(),
        bytes,
    })
}

/// Everything but the addresses, the date and the structure.
///
/// There is no `Precedence`: no standard gives it a meaning (RFC 2076 §3.9 discourages it), servers delay `bulk` or send no bounces
/// for it, and what it was for is said better by `Auto-Submitted` and `List-Id`.
fn fields(envelope: &Envelope, email: &EmailMessage, domain: &str) -> Result<Vec<Field>, Fault> {
    let is_own = |name: &str| {
        let mut own = email.headers.iter();
        own.any(|(own, _)| own.eq_ignore_ascii_case(name))
    };
    let mut fields = vec![header::encoded("Subject", &email.subject)?];
    if let Some(links) = &email.list_unsubscribe {
        fields.extend(header::list_unsubscribe(links)?);
    }
    if envelope.class == Class::Marketing {
        if !is_own("List-Id") {
            fields.push(header::list_id(envelope.category.as_str(), domain));
        }
    } else {
        // RFC 3834 §5: keeps out-of-office replies and other robots from answering.
        fields.push(header::verbatim("Auto-Submitted", "auto-generated"));
        fields.push(header::verbatim("X-Auto-Response-Suppress", "All"));
    }
    let correlation_id = envelope.correlation_id.as_deref();
    fields.extend(
        correlation_id
            .filter(|_| !is_own("X-Correlation-ID"))
            .and_then(header::correlation_id),
    );
    fields.push(header::verbatim(
        "X-Notification-ID",
        envelope.notification.to_string(),
    ));
    fields.push(header::verbatim(
        "X-Delivery-ID",
        envelope.delivery.to_string(),
    ));
    for (name, value) in &email.headers {
        let field = header::custom(name, value)?;
        if fields.iter().any(|other| other.name == field.name) {
            return Err(Fault::request("header_duplicate"));
        }
        fields.push(field);
    }
    Ok(fields)
}

fn recipient(address: &Address) -> Result<Path, Fault> {
    if *address.scheme() != AddressScheme::EMAIL {
        return Err(Fault::request("wrong_scheme"));
    }
    address
        .validate()
        .ok()
        .and_then(|()| Path::of(address.expose()))
        .ok_or_else(|| Fault::recipient("bad_address"))
}

/// The date as mails write it, such as `Thu, 01 Jan 1970 00:00:00 +0000`.
#[cfg(feature = "file")]
pub(crate) fn date(now: Timestamp) -> String {
    let mut headers = lettre::message::header::Headers::new();
    headers.set(Date::new(system_time(now)));
    headers.get_raw("Date").unwrap_or_default().to_owned()
}

/// Clamped to what a date in a mail can say; lettre's formatter panics outside of it.
fn system_time(now: Timestamp) -> SystemTime {
    const LAST_SECOND_OF_9999: u64 = 253_402_300_799;
    let micros = u64::try_from(now.as_micros()).unwrap_or(0);
    UNIX_EPOCH + Duration::from_secs((micros / 1_000_000).min(LAST_SECOND_OF_9999))
}

/// The last look before the wire: nothing that two servers could read as two different sets of
/// lines.
fn check_lines(bytes: &[u8]) -> Result<(), Fault> {
    let mut line = 0;
    let mut previous = 0;
    for &byte in bytes {
        match byte {
            0 => return Err(Fault::request("nul")),
            b'\n' if previous != b'\r' => return Err(Fault::request("bare_newline")),
            b'\n' => line = 0,
            _ if previous == b'\r' => return Err(Fault::request("bare_newline")),
            b'\r' => {}
            _ => line += 1,
        }
        if line > MAX_LINE {
            return Err(Fault::request("line_too_long"));
        }
        previous = byte;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
