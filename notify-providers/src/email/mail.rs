//! A mail as vendors' interfaces take it: checked, with everything a provider adds, and not yet in any vendor's words.

use notify_core::channel::{EmailMessage, Mailbox};
use notify_core::id::AddressScheme;
use notify_core::notification::Class;
use notify_core::provider::{Envelope, Fault};
use notify_core::{ChannelId, Error};
use std::borrow::Cow;

use super::header;

/// Who mails are from, where they do not say it themselves.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) from: Mailbox,
    pub(crate) reply_to: Option<Mailbox>,
}

impl Sender {
    /// That both are mailboxes: their fields are public.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](notify_core::ErrorKind::Invalid).
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mailboxes = [Some(&self.from), self.reply_to.as_ref()];
        for mailbox in mailboxes.into_iter().flatten() {
            Mailbox::new(mailbox.name.as_str(), mailbox.email.as_str())?;
        }
        Ok(())
    }
}

/// A mail that can be sent, and all of its headers that are not fields of their own.
#[derive(Debug)]
pub(crate) struct Mail<'a> {
    pub(crate) message: &'a EmailMessage,
    /// With its domain in ASCII (RFC 5891), which is how interfaces take it.
    pub(crate) to: Cow<'a, str>,
    pub(crate) from: &'a Mailbox,
    pub(crate) reply_to: Option<&'a Mailbox>,
    /// Unsubscribing (RFC 8058), robots kept from answering (RFC 3834), our ids, and the message's own.
    pub(crate) headers: Vec<(String, String)>,
}

impl<'a> Mail<'a> {
    /// Checks everything that no vendor would take, before any is asked.
    ///
    /// # Errors
    /// A request fault: `wrong_channel`, `wrong_scheme`, `no_body`, `header_…`; a recipient fault `bad_address`.
    pub(crate) fn of(envelope: &'a Envelope, sender: &'a Sender) -> Result<Self, Fault> {
        if *envelope.message.channel() != ChannelId::EMAIL {
            return Err(Fault::request("wrong_channel"));
        }
        let message = envelope.message.body::<EmailMessage>()?;
        if *envelope.address.scheme() != AddressScheme::EMAIL {
            return Err(Fault::request("wrong_scheme"));
        }
        let to = envelope.address.validate().ok();
        let to = to.and_then(|()| in_ascii(envelope.address.expose()));
        let to = to.ok_or_else(|| Fault::recipient("bad_address"))?;
        let filled = |part: &Option<String>| part.as_ref().is_some_and(|text| !text.is_empty());
        if !filled(&message.text) && !filled(&message.html) {
            return Err(Fault::request("no_body"));
        }
        header::one_line(&message.subject).map_err(|()| Fault::request("header_subject"))?;
        let from = message.from.as_ref().unwrap_or(&sender.from);
        checked(from, "header_from")?;
        let reply_to = message.reply_to.as_ref().or(sender.reply_to.as_ref());
        if let Some(reply_to) = reply_to {
            checked(reply_to, "header_reply_to")?;
        }
        Ok(Self {
            message,
            to,
            from,
            reply_to,
            headers: headers(envelope, message)?,
        })
    }

    /// Whether the sender came with the message, and not from the provider's configuration.
    pub(crate) const fn own_sender(&self) -> bool {
        self.message.from.is_some()
    }

    /// The text part, if there is something in it.
    pub(crate) fn text(&self) -> Option<&'a str> {
        self.message.text.as_deref().filter(|text| !text.is_empty())
    }

    /// The HTML part, if there is something in it.
    pub(crate) fn html(&self) -> Option<&'a str> {
        self.message.html.as_deref().filter(|html| !html.is_empty())
    }
}

/// The address with its domain in ASCII; `None` if the domain has no such form.
fn in_ascii(address: &str) -> Option<Cow<'_, str>> {
    let (local, domain) = address.rsplit_once('@')?;
    if domain.is_ascii() {
        return Some(address.into());
    }
    let domain = idna::domain_to_ascii(domain).ok()?;
    Some(format!("{local}@{domain}").into())
}

/// The fields of a mailbox are public and deserialised, so what the constructor checked may no longer hold.
fn checked(mailbox: &Mailbox, code: &'static str) -> Result<(), Fault> {
    match Mailbox::new(mailbox.name.as_str(), mailbox.email.as_str()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Fault::request(code)),
    }
}

fn headers(envelope: &Envelope, message: &EmailMessage) -> Result<Vec<(String, String)>, Fault> {
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: String| {
        let twice = |(other, _): &(String, String)| other.eq_ignore_ascii_case(name);
        if headers.iter().any(twice) {
            return Err(Fault::request("header_duplicate"));
        }
        headers.push((name.to_owned(), value));
        Ok(())
    };
    if let Some(links) = &message.list_unsubscribe {
        add(
            "List-Unsubscribe",
            header::unsubscribe_links(links)?.join(", "),
        )?;
        add(
            "List-Unsubscribe-Post",
            "List-Unsubscribe=One-Click".to_owned(),
        )?;
    }
    if envelope.class != Class::Marketing {
        add("Auto-Submitted", "auto-generated".to_owned())?;
        add("X-Auto-Response-Suppress", "All".to_owned())?;
    }
    add("X-Notification-ID", envelope.notification.to_string())?;
    add("X-Delivery-ID", envelope.delivery.to_string())?;
    for (name, value) in &message.headers {
        header::check(name, value)?;
        add(name, value.clone())?;
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::channel::{ListUnsubscribe, SmsMessage};
    use notify_core::{Address, Message};

    fn sender() -> Sender {
        Sender {
            from: "Example <news@example.com>".parse().expect("a mailbox"),
            reply_to: None,
        }
    }

    fn envelope(mail: EmailMessage) -> Envelope {
        Envelope::new("key", Address::email("ada@example.org"), Message::new(mail))
    }

    fn mail() -> EmailMessage {
        EmailMessage::new("Subject", "text")
    }

    #[test]
    fn what_a_provider_adds_is_added_once() {
        let links = ListUnsubscribe::new("https://example.com/u").expect("a link");
        let message = mail()
            .with_header("X-Own", "1")
            .with_list_unsubscribe(links.with_mailto("mailto:u@example.com"));
        let (envelope, sender) = (envelope(message), sender());
        let mail = Mail::of(&envelope, &sender).expect("is fine");
        let id = "00000000-0000-0000-0000-000000000000";
        let expected = [
            (
                "List-Unsubscribe",
                "<https://example.com/u>, <mailto:u@example.com>",
            ),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("X-Notification-ID", id),
            ("X-Delivery-ID", id),
            ("X-Own", "1"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(mail.headers, expected);
        assert!(!mail.own_sender());
    }

    #[test]
    fn what_no_vendor_would_take_is_refused() {
        let mut bodiless = mail();
        bodiless.text = Some(String::new());
        let mut broken = mail();
        broken.from = Some("a@example.com".parse().expect("a mailbox"));
        if let Some(from) = &mut broken.from {
            from.name = "a\r\nBcc: b".to_owned();
        }
        for (message, code) in [
            (bodiless, "no_body"),
            (broken, "header_from"),
            (EmailMessage::new("a\nb", "t"), "header_subject"),
            (
                mail().with_header("Bcc", "a@example.com"),
                "header_reserved",
            ),
            (mail().with_header("X-A", "a\r\nBcc: b"), "header_value"),
            (mail().with_header("X A", "b"), "header_name"),
            (
                mail().with_header("X-A", "1").with_header("x-a", "2"),
                "header_duplicate",
            ),
            (
                mail().with_header("auto-submitted", "no"),
                "header_duplicate",
            ),
        ] {
            let fault = Mail::of(&envelope(message), &sender()).map(|_| ());
            assert_eq!(fault, Err(Fault::request(code)));
        }
        let mut other = envelope(mail());
        other.address = Address::email("nobody");
        let fault = Mail::of(&other, &sender()).map(|_| ());
        assert_eq!(fault, Err(Fault::recipient("bad_address")));
        other.address = Address::email("почта@пример.рф");
        let sender = sender();
        let to = Mail::of(&other, &sender).map(|mail| mail.to);
        assert_eq!(to, Ok("почта@xn--e1afmkfd.xn--p1ai".into()));
        other.address = Address::phone("+15550100");
        let fault = Mail::of(&other, &sender).map(|_| ());
        assert_eq!(fault, Err(Fault::request("wrong_scheme")));
        other.message = Message::new(SmsMessage::new("hi"));
        let fault = Mail::of(&other, &sender).map(|_| ());
        assert_eq!(fault, Err(Fault::request("wrong_channel")));
    }
}
