//! Text messages by Amazon SNS, straight to a number: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>.

mod builder;
mod fault;

pub use builder::{SnsBuilder, SnsSmsType};

use async_trait::async_trait;
use notify_core::clock::Timestamp;
use notify_core::notification::Class;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use std::fmt;

use super::gateway::{Gateway, gateway_methods};
use super::text::Text;
use crate::http::{Answer, Call};
use crate::signature::sigv4::{Request, Signer};
use crate::unsupported::unsupported;

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// Sends text messages by Amazon SNS, one a call, signed with Signature Version 4.
///
/// - SNS has no idempotency keys for text messages: what is unknown may have gone out.
/// - [`Receipt::message_id`] is SNS's `MessageId`. What became of a message SNS writes to CloudWatch Logs only: there is no webhook,
///   and no balance to ask for.
/// - What people are charged for most is in the account's hands: a limit of spending (1 USD a month until AWS raises it) ends
///   messages without a refusal here.
/// - A number that answered `STOP` is a dead one: the recipient's fault.
///
/// | of the message | becomes |
/// |---|---|
/// | `sender` | the attribute `SenderID`, or `OriginationNumber` for a number, instead of the provider's |
/// | its class | the attribute `SMSType`: `Promotional` for marketing, else `Transactional` |
/// | `validity` | refused: SNS has none |
///
/// ```
/// use notify_providers::sms::sns::SnsProvider;
///
/// let provider = SnsProvider::from_url("sns://ACCESS_KEY_ID:SECRET_ACCESS_KEY@default?region=eu-west-1&from=Example")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct SnsProvider {
    gateway: Gateway,
    signer: Signer,
    sms_type: Option<SnsSmsType>,
    max_price: Option<String>,
}

impl SnsProvider {
    /// Options for a provider with this access key, which may do `sns:Publish`, in a region such as `eu-west-1`.
    pub fn builder(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<SecretString>,
        region: impl Into<String>,
    ) -> SnsBuilder {
        SnsBuilder::new(
            access_key_id.into(),
            secret_access_key.into(),
            region.into(),
        )
    }

    /// A provider from one line: `sns://ACCESS_KEY_ID:SECRET_ACCESS_KEY@default?region=eu-west-1`.
    ///
    /// The host `default` is `sns.REGION.amazonaws.com`. Parameters: `region` (required), `session_token`, `from`,
    /// `type=promotional` or `transactional`, `max_price_micros`, `transliterate=accents` or `cyrillic`, `name`, `timeout` in seconds,
    /// `concurrency`. A `/` of the secret is written `%2F`, a `+` may stay.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    gateway_methods!();

    /// The request for one message. Pure.
    fn form(&self, text: &Text<'_>, class: Class) -> String {
        let usual = match class {
            Class::Marketing => SnsSmsType::Promotional,
            _ => SnsSmsType::Transactional,
        };
        let sms_type = self.sms_type.unwrap_or(usual).as_str();
        let mut attributes = vec![("AWS.SNS.SMS.SMSType", "String", sms_type)];
        if let Some(sender) = self.gateway.sender(text) {
            let is_number = sender.bytes().all(|b| b.is_ascii_digit() || b == b'+');
            attributes.push(match is_number {
                true => ("AWS.MM.SMS.OriginationNumber", "String", sender),
                false => ("AWS.SNS.SMS.SenderID", "String", sender),
            });
        }
        if let Some(price) = &self.max_price {
            attributes.push(("AWS.SNS.SMS.MaxPrice", "Number", price));
        }
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", "Publish")
            .append_pair("Version", "2010-03-31")
            .append_pair("PhoneNumber", text.to)
            .append_pair("Message", &text.fitted.text);
        for (no, (name, kind, value)) in attributes.into_iter().enumerate() {
            let entry = format!("MessageAttributes.entry.{}", no + 1);
            form.append_pair(&format!("{entry}.Name"), name)
                .append_pair(&format!("{entry}.Value.DataType"), kind)
                .append_pair(&format!("{entry}.Value.StringValue"), value);
        }
        form.finish()
    }

    /// The signed call of a request. Pure.
    fn call(&self, body: String, now: Timestamp) -> Call {
        let host = self.gateway.client.host();
        let signed = self.signer.sign(
            &Request {
                method: "POST",
                path: "/",
                query: &[],
                headers: &[("content-type", CONTENT_TYPE), ("host", host)],
                body: body.as_bytes(),
            },
            now,
        );
        let mut call = Call::post("/")
            // SNS answers in JSON where it is accepted, and in another shape than it documents.
            .header("accept", "text/xml")
            .header("x-amz-date", &signed.date)
            .secret_header("authorization", &signed.authorization.into());
        if let Some(token) = &signed.security_token {
            call = call.secret_header("x-amz-security-token", token);
        }
        call.bytes(CONTENT_TYPE, body)
    }
}

/// What the answer says. Pure.
fn receipt(answer: &Answer) -> Result<Receipt, Fault> {
    if !answer.is_success() {
        return Err(fault::of(answer));
    }
    let text = answer.text();
    let id = element(&text, "MessageId").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Fault::unknown("answer"))?;
    Ok(Receipt::with_message_id(id))
}

/// The text of the first element of this name, which holds no other.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim()).filter(|text| !text.contains('<'))
}

#[async_trait]
impl Provider for SnsProvider {
    fn name(&self) -> &ProviderName {
        &self.gateway.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.gateway.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let text = self.gateway.text(envelope)?;
        if text.message.validity.is_some() {
            return Err(unsupported("validity"));
        }
        let body = self.form(&text, envelope.class);
        let call = self.call(body, self.gateway.client.now());
        let answer = self.gateway.client.send(call, &[envelope]).await?;
        receipt(&answer)
    }
}

impl fmt::Debug for SnsProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnsProvider")
            .field("gateway", &self.gateway)
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_read_and_nothing_else() {
        let xml = "<A><MessageId> 1-2 </MessageId><Code/></A>";
        assert_eq!(element(xml, "MessageId"), Some("1-2"));
        for (xml, name) in [
            (xml, "Code"),
            (xml, "A"),
            ("<MessageId>1-2", "MessageId"),
            ("", "MessageId"),
        ] {
            assert_eq!(element(xml, name), None, "{xml}");
        }
    }
}
