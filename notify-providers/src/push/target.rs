//! Whom vendors with topics send to: FCM, and Huawei, who took over its form.

use notify_core::provider::Fault;

/// To whom a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    Condition(&'a str),
    Token(&'a str),
    Topic(&'a str),
}

impl<'a> Target<'a> {
    /// Reads an address.
    ///
    /// # Errors
    /// A recipient fault `bad_address` for the name of a topic that cannot be one.
    pub(crate) fn of(address: &'a str) -> Result<Self, Fault> {
        if let Some(condition) = address.strip_prefix("condition:") {
            return Ok(Self::Condition(condition));
        }
        let Some(name) = address.strip_prefix("topic:") else {
            return Ok(Self::Token(address));
        };
        let name = name.strip_prefix("/topics/").unwrap_or(name);
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b);
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(Fault::recipient("bad_address"));
        }
        Ok(Self::Topic(name))
    }

    /// The field of a message that says so.
    pub(crate) const fn field(self) -> (&'static str, &'a str) {
        match self {
            Self::Condition(condition) => ("condition", condition),
            Self::Token(token) => ("token", token),
            Self::Topic(topic) => ("topic", topic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_token_a_topic_or_a_condition() {
        for (address, target) in [
            ("cX:APA91b-_", Target::Token("cX:APA91b-_")),
            ("topic:news.eu~1%", Target::Topic("news.eu~1%")),
            ("topic:/topics/news", Target::Topic("news")),
            (
                "condition:'a' in topics",
                Target::Condition("'a' in topics"),
            ),
        ] {
            assert_eq!(Target::of(address), Ok(target));
        }
        for bad in ["topic:", "topic:a b", "topic:a/b", "topic:ü"] {
            let fault = Fault::recipient("bad_address");
            assert_eq!(Target::of(bad), Err(fault), "{bad}");
        }
    }
}
