//! A token as bytes: version, number of the key, kind, times in seconds, then each text with its length.

use crate::clock::Timestamp;
use crate::id::DeliveryId;
use crate::token::{Grant, Token};

const VERSION: u8 = 1;
/// The longest text in a token, in bytes.
const MAX_TEXT: usize = 1_000;
const MICROS: i64 = 1_000_000;

struct Writer(Vec<u8>);

impl Writer {
    fn text(&mut self, text: &str) {
        let mut end = text.len().min(MAX_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let length = u16::try_from(end).unwrap_or_default();
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(&text.as_bytes()[..end]);
    }

    fn time(&mut self, at: Option<Timestamp>) {
        // 0 is never; tokens are not made before 1970 nor after 2106.
        let seconds = at.map_or(0, |at| at.as_micros().div_euclid(MICROS).max(1));
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&seconds.to_be_bytes());
    }

    fn delivery(&mut self, id: DeliveryId) {
        self.0.extend_from_slice(id.as_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::from(u16::from_be_bytes(self.take()?));
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn time(&mut self) -> Option<Option<Timestamp>> {
        let seconds = u32::from_be_bytes(self.take()?);
        let at = Timestamp::from_micros(i64::from(seconds) * MICROS);
        Some((seconds > 0).then_some(at))
    }

    fn delivery(&mut self) -> Option<DeliveryId> {
        self.take().map(DeliveryId::from_bytes)
    }
}

const fn kind(grant: &Grant) -> u8 {
    match grant {
        Grant::Unsubscribe { .. } => 1,
        Grant::Preferences { .. } => 2,
        Grant::Confirm { .. } => 3,
        Grant::Open { .. } => 4,
        Grant::Click { .. } => 5,
        Grant::Action { .. } => 6,
        Grant::Report { .. } => 7,
    }
}

/// The number of the key that signed.
pub(super) fn key_no(body: &[u8]) -> Option<u8> {
    match body {
        [VERSION, no, ..] => Some(*no),
        _ => None,
    }
}

pub(super) fn write(key: u8, token: &Token) -> Vec<u8> {
    let mut out = Writer(vec![VERSION, key, kind(&token.grant)]);
    out.time(Some(token.issued_at));
    out.time(token.expires_at);
    out.text(token.tenant.as_str());
    match &token.grant {
        Grant::Unsubscribe {
            recipient,
            category,
            delivery,
        } => {
            out.text(recipient.as_str());
            out.text(category.as_str());
            out.delivery(*delivery);
        }
        Grant::Preferences { recipient } => out.text(recipient.as_str()),
        Grant::Confirm {
            recipient,
            category,
            source,
            wording,
        } => {
            out.text(recipient.as_str());
            out.text(category.as_str());
            out.text(source);
            out.text(wording);
        }
        Grant::Open { delivery } | Grant::Report { delivery } => out.delivery(*delivery),
        Grant::Click { delivery, url } => {
            out.delivery(*delivery);
            out.text(url);
        }
        Grant::Action { delivery, action } => {
            out.delivery(*delivery);
            out.text(action);
        }
    }
    out.0
}

pub(super) fn read(body: &[u8]) -> Option<Token> {
    let mut input = Reader(body);
    let [_, _, kind] = input.take()?;
    let issued_at = input.time()?.unwrap_or(Timestamp::EPOCH);
    let expires_at = input.time()?;
    let tenant = input.text()?.into();
    let grant = match kind {
        1 => Grant::Unsubscribe {
            recipient: input.text()?.into(),
            category: input.text()?.into(),
            delivery: input.delivery()?,
        },
        2 => Grant::Preferences {
            recipient: input.text()?.into(),
        },
        3 => Grant::Confirm {
            recipient: input.text()?.into(),
            category: input.text()?.into(),
            source: input.text()?,
            wording: input.text()?,
        },
        4 => Grant::Open {
            delivery: input.delivery()?,
        },
        5 => Grant::Click {
            delivery: input.delivery()?,
            url: input.text()?,
        },
        6 => Grant::Action {
            delivery: input.delivery()?,
            action: input.text()?,
        },
        7 => Grant::Report {
            delivery: input.delivery()?,
        },
        _ => return None,
    };
    input.0.is_empty().then_some(Token {
        tenant,
        grant,
        issued_at,
        expires_at,
    })
}
