//! A text message as vendors' interfaces take it: checked and of a length that may be sent, and not yet in any vendor's words.

use notify_core::ChannelId;
use notify_core::channel::{Overflow, SmsMessage};
use notify_core::id::AddressScheme;
use notify_core::provider::{Envelope, Fault};
use std::borrow::Cow;

use super::{Fitted, Transliteration, fit};

/// A text message that can be sent.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    pub(crate) message: &'a SmsMessage,
    /// In E.164 form, such as `+15550100`.
    pub(crate) to: &'a str,
    /// The text within what the message, else the provider, else the class allows.
    pub(crate) fitted: Fitted<'a>,
}

impl<'a> Text<'a> {
    /// Checks everything that no vendor would take, before any is asked. `overflow` is the provider's own rule, if it has one.
    ///
    /// # Errors
    /// A request fault: `wrong_channel`, `wrong_scheme`, `no_body`, `sms_too_long`; a recipient fault `bad_address`.
    pub(crate) fn of(envelope: &'a Envelope, overflow: Option<Overflow>) -> Result<Self, Fault> {
        Self::rewritten(envelope, overflow, None)
    }

    /// The same for a text that is written in other letters first.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(crate) fn rewritten(
        envelope: &'a Envelope,
        overflow: Option<Overflow>,
        letters: Option<Transliteration>,
    ) -> Result<Self, Fault> {
        if *envelope.message.channel() != ChannelId::SMS {
            return Err(Fault::request("wrong_channel"));
        }
        let message = envelope.message.body::<SmsMessage>()?;
        if *envelope.address.scheme() != AddressScheme::PHONE {
            return Err(Fault::request("wrong_scheme"));
        }
        if envelope.address.validate().is_err() {
            return Err(Fault::recipient("bad_address"));
        }
        if message.text.trim().is_empty() {
            return Err(Fault::request("no_body"));
        }
        let overflow = message.overflow.or(overflow);
        let overflow = overflow.unwrap_or_else(|| Overflow::of(envelope.class));
        let fitted = match letters.map(|letters| letters.apply(&message.text)) {
            Some(Cow::Owned(text)) => fit(&text, overflow).map(Fitted::into_owned),
            Some(Cow::Borrowed(_)) | None => fit(&message.text, overflow),
        };
        let fitted = fitted.map_err(|_| Fault::request("sms_too_long"))?;
        if fitted.text.trim().is_empty() {
            return Err(Fault::request("no_body"));
        }
        Ok(Self {
            message,
            to: envelope.address.expose(),
            fitted,
        })
    }

    /// The number without the plus, for vendors that want digits only.
    pub(crate) fn digits(&self) -> &'a str {
        self.to.trim_start_matches('+')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::channel::EmailMessage;
    use notify_core::notification::Class;
    use notify_core::{Address, Message};

    fn envelope(message: SmsMessage) -> Envelope {
        Envelope::new("key", Address::phone("+15550100"), Message::new(message))
    }

    #[test]
    fn marketing_is_cut_and_a_warning_is_not() {
        let mut envelope = envelope(SmsMessage::new("a".repeat(200)));
        let segments = |envelope: &Envelope, overflow| {
            let text = Text::of(envelope, overflow)?;
            Ok::<_, Fault>((text.fitted.segments.count, text.fitted.is_cut))
        };
        for class in [Class::Critical, Class::Transactional] {
            envelope.class = class;
            assert_eq!(segments(&envelope, None), Ok((2, false)));
        }
        envelope.class = Class::Marketing;
        assert_eq!(segments(&envelope, None), Ok((1, true)));
        let split = Some(Overflow::split(3));
        assert_eq!(
            segments(&envelope, split),
            Ok((2, false)),
            "the provider's rule"
        );
        let message = SmsMessage::new("a".repeat(200)).with_overflow(Overflow::Reject);
        envelope.message = Message::new(message);
        let refused = Err(Fault::request("sms_too_long"));
        assert_eq!(
            segments(&envelope, split),
            refused,
            "the message's own rule"
        );
    }

    #[test]
    fn other_letters_are_counted_and_not_those_that_came() {
        let envelope = envelope(SmsMessage::new("Ваш заказ отправлен. ".repeat(5)));
        let latin = Some(Transliteration::new().cyrillic());
        let text = Text::rewritten(&envelope, None, latin).expect("fits");
        assert_eq!(text.fitted.text, "Vash zakaz otpravlen. ".repeat(5));
        assert_eq!(text.fitted.segments.count, 1);
        let text = Text::of(&envelope, None).expect("fits");
        assert_eq!(text.fitted.segments.count, 2);
    }

    #[test]
    fn what_no_vendor_would_take_is_refused() {
        let fault = |envelope: &Envelope| Text::of(envelope, None).map(|_| ());
        let mut other = envelope(SmsMessage::new(" \n"));
        assert_eq!(fault(&other), Err(Fault::request("no_body")));
        other.address = Address::phone("15550100");
        assert_eq!(fault(&other), Err(Fault::recipient("bad_address")));
        other.address = Address::email("ada@example.org");
        assert_eq!(fault(&other), Err(Fault::request("wrong_scheme")));
        other.message = Message::new(EmailMessage::new("s", "t"));
        assert_eq!(fault(&other), Err(Fault::request("wrong_channel")));
        let fine = envelope(SmsMessage::new("hi"));
        let text = Text::of(&fine, None).expect("is fine");
        assert_eq!((text.to, text.digits()), ("+15550100", "15550100"));
    }
}
