//! Content given in the call, for notifications without a template, and files that go along.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What is said, without a template. Each channel takes the parts it has a place for.
///
/// The text is taken as it is, never compiled as a template; HTML is the caller's responsibility.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Content {
    /// Subject of a mail, title of a push; at most 255 characters.
    pub title: String,
    /// The text.
    pub body: String,
    /// The HTML part of a mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// What opens when it is clicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub click_action: Option<String>,
}

impl Content {
    /// A title and a text.
    #[must_use]
    pub fn new(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            body: body.into(),
            ..Self::default()
        }
    }

    /// With an HTML part.
    #[must_use]
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// With a link that opens when it is clicked.
    #[must_use]
    pub fn click_action(mut self, url: impl Into<String>) -> Self {
        self.click_action = Some(url.into());
        self
    }
}

/// A file that goes along with a mail. `Debug` shows name, type and size only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attachment {
    /// The file name shown to the reader.
    pub name: String,
    /// The media type, such as `application/pdf`.
    pub media_type: String,
    /// The bytes.
    #[serde(with = "bytes_as_base64")]
    pub data: Arc<[u8]>,
    /// The content id that the HTML refers to (`cid:…`), for an image shown inside the mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
}

impl Attachment {
    /// A file.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        media_type: impl Into<String>,
        data: impl Into<Arc<[u8]>>,
    ) -> Self {
        Self {
            name: name.into(),
            media_type: media_type.into(),
            data: data.into(),
            content_id: None,
        }
    }

    /// Shown inside the mail, where the HTML says `cid:` and this id.
    #[must_use]
    pub fn inline(mut self, content_id: impl Into<String>) -> Self {
        self.content_id = Some(content_id.into());
        self
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("name", &self.name)
            .field("media_type", &self.media_type)
            .field("bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}

mod bytes_as_base64 {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(
        data: &Arc<[u8]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(data))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<[u8]>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD
            .decode(text)
            .map(Arc::from)
            .map_err(de::Error::custom)
    }
}
