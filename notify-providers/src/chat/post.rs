//! A chat message as services' interfaces take it: checked, and not yet in any service's words.

use notify_core::ChannelId;
use notify_core::channel::ChatMessage;
use notify_core::id::AddressScheme;
use notify_core::provider::{Envelope, Fault};
use serde_json::{Map, Value};
use std::borrow::Cow;

use super::escape::Markup;

/// A chat message that can be sent.
#[derive(Debug)]
pub(crate) struct Post<'a> {
    pub(crate) message: &'a ChatMessage,
    /// A room, a person or a URL, in the service's own words.
    pub(crate) to: &'a str,
}

impl<'a> Post<'a> {
    /// Checks everything that no service would take, before any is asked. `channel` is the provider's, such as `chat.slack`, and
    /// `scheme` that of its addresses.
    ///
    /// # Errors
    /// A request fault: `wrong_channel`, `wrong_scheme`, `no_body`; a recipient fault `bad_address`.
    pub(crate) fn of(
        envelope: &'a Envelope,
        channel: &ChannelId,
        scheme: &AddressScheme,
    ) -> Result<Self, Fault> {
        if envelope.message.channel() != channel {
            return Err(Fault::request("wrong_channel"));
        }
        let message = envelope.message.body::<ChatMessage>()?;
        if envelope.address.scheme() != scheme {
            return Err(Fault::request("wrong_scheme"));
        }
        if envelope.address.validate().is_err() {
            return Err(Fault::recipient("bad_address"));
        }
        if message.text.trim().is_empty() && message.blocks.is_none() {
            return Err(Fault::request("no_body"));
        }
        Ok(Self {
            message,
            to: envelope.address.expose(),
        })
    }

    /// The text as the service has to get it; `None` if there is none but blocks.
    ///
    /// # Errors
    /// A request fault `text_too_long`, if it is and should be refused then.
    pub(crate) fn text(
        &self,
        markup: Markup,
        refuse_long: bool,
    ) -> Result<Option<Cow<'_, str>>, Fault> {
        let text = self.message.text.as_str();
        if text.trim().is_empty() {
            return Ok(None);
        }
        fit(text, markup, refuse_long).map(Some)
    }

    /// Puts the blocks into the body of the request: a list under the name `list`, and each field of an object as it is.
    ///
    /// # Errors
    /// A request fault `bad_blocks`: they are neither a list nor an object, or have one of the `reserved` fields, which say where
    /// the message goes.
    pub(crate) fn add_blocks(
        &self,
        body: &mut Map<String, Value>,
        list: &str,
        reserved: &[&str],
    ) -> Result<(), Fault> {
        match &self.message.blocks {
            None => Ok(()),
            Some(Value::Array(blocks)) => {
                body.insert(list.to_owned(), blocks.clone().into());
                Ok(())
            }
            Some(Value::Object(fields))
                if !fields.keys().any(|name| reserved.contains(&name.as_str())) =>
            {
                let fields = fields.iter();
                body.extend(fields.map(|(name, value)| (name.clone(), value.clone())));
                Ok(())
            }
            Some(_) => Err(Fault::request("bad_blocks")),
        }
    }
}

/// A text as the service has to get it.
///
/// # Errors
/// A request fault `text_too_long`, if it is and should be refused then.
pub(crate) fn fit(text: &str, markup: Markup, refuse_long: bool) -> Result<Cow<'_, str>, Fault> {
    if refuse_long && markup.size(text) > markup.limit() {
        return Err(Fault::request("text_too_long"));
    }
    Ok(markup.fit(text, markup.limit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::channel::SmsMessage;
    use notify_core::{Address, Message};
    use serde_json::json;

    const CHANNEL: ChannelId = ChannelId::new("chat.test");
    const SCHEME: AddressScheme = AddressScheme::new("test");

    fn envelope(message: ChatMessage) -> Envelope {
        let message = Message::new(message).on(CHANNEL);
        Envelope::new("key", Address::new(SCHEME, "room"), message)
    }

    #[test]
    fn what_no_service_would_take_is_refused() {
        let fault = |envelope: &Envelope| {
            Post::of(envelope, &CHANNEL, &SCHEME).map(|post| post.to.to_owned())
        };
        let mut other = envelope(ChatMessage::new(" \n"));
        assert_eq!(fault(&other), Err(Fault::request("no_body")));
        other.address = Address::new(SCHEME, "");
        assert_eq!(fault(&other), Err(Fault::recipient("bad_address")));
        other.address = Address::email("ada@example.org");
        assert_eq!(fault(&other), Err(Fault::request("wrong_scheme")));
        other.message = Message::new(ChatMessage::new("hi"));
        assert_eq!(fault(&other), Err(Fault::request("wrong_channel")));
        other.message = Message::new(SmsMessage::new("hi")).on(CHANNEL);
        assert!(fault(&other).is_err());
        let blocks = ChatMessage::new("").with_blocks(json!([{}]));
        assert_eq!(fault(&envelope(blocks)), Ok("room".to_owned()));
    }

    #[test]
    fn a_long_text_is_cut_or_refused() {
        let long = envelope(ChatMessage::new("x".repeat(2_001)));
        let post = Post::of(&long, &CHANNEL, &SCHEME).expect("is fine");
        let cut = post.text(Markup::Discord, false).expect("is cut");
        assert_eq!(cut.as_deref().map(|text| text.chars().count()), Some(2_000));
        let refused = Err(Fault::request("text_too_long"));
        assert_eq!(post.text(Markup::Discord, true), refused);
        assert!(post.text(Markup::Slack, true).is_ok());
    }

    #[test]
    fn blocks_do_not_say_where_a_message_goes() {
        let added = |blocks: Value| {
            let message = envelope(ChatMessage::new("hi").with_blocks(blocks));
            let post = Post::of(&message, &CHANNEL, &SCHEME).expect("is fine");
            let mut body = Map::new();
            let added = post.add_blocks(&mut body, "blocks", &["to"]);
            added.map(|()| Value::from(body))
        };
        assert_eq!(added(json!([1])), Ok(json!({"blocks": [1]})));
        assert_eq!(added(json!({"a": 1})), Ok(json!({"a": 1})));
        for bad in [json!({"to": "x"}), json!("text"), json!(null)] {
            assert_eq!(added(bad), Err(Fault::request("bad_blocks")));
        }
    }
}
