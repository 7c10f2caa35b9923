//! How many segments a text takes (3GPP TS 23.038, 23.040).

/// The basic alphabet of GSM-7 without the letters and digits of ASCII: one septet each.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// The extension table of GSM-7: an escape and a code, two septets each.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// How the characters of a text message are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Seven bits a character, for the alphabet of TS 23.038 §6.2.1: 160 in one segment, 153 in each
    /// of several.
    Gsm7,
    /// Sixteen bits a character (UTF-16), for everything else: 70 in one segment, 67 in each of
    /// several.
    Ucs2,
}

impl Encoding {
    /// What `text` needs: GSM-7 if all its characters are in that alphabet, else UCS-2 for all of
    /// them.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.chars().all(|c| septets(c).is_some()) {
            Self::Gsm7
        } else {
            Self::Ucs2
        }
    }

    /// How many septets or UTF-16 units go into a message of one segment.
    #[must_use]
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// How many septets or UTF-16 units go into each segment of a longer message: its header of six
    /// bytes takes the rest.
    #[must_use]
    pub const fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    fn units(self, c: char) -> usize {
        match self {
            // Only asked for texts that are all in the alphabet.
            Self::Gsm7 => septets(c).unwrap_or_default(),
            Self::Ucs2 => c.len_utf16(),
        }
    }
}

/// How long a text message is. Made by [`count_segments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Segments {
    /// How it is written.
    pub encoding: Encoding,
    /// How many segments it takes, at least one: what vendors count and charge.
    pub count: usize,
    /// How long it is, in septets (GSM-7) or UTF-16 units (UCS-2).
    pub units: usize,
    /// How many more septets or units go into its last segment.
    pub free: usize,
}

/// How many segments `text` takes.
///
/// A character of the extension table (`^{}\[~]|€`) takes two septets and is never split over two
/// segments, nor is a character that takes two UTF-16 units, such as an emoji. The tables for
/// national languages (TS 23.038 §6.2.1.2.4) are not counted with: few networks have them, and no
/// vendor promises them. A vendor that rewrites texts (Twilio's smart encoding) may count fewer.
///
/// ```
/// use notify_providers::sms::{Encoding, count_segments};
///
/// let segments = count_segments("Your code is 1042");
/// assert_eq!(segments.encoding, Encoding::Gsm7);
/// assert_eq!((segments.count, segments.units, segments.free), (1, 17, 143));
///
/// // One character outside the alphabet, and all take more than twice the room.
/// let segments = count_segments("Your code is 1042…");
/// assert_eq!(segments.encoding, Encoding::Ucs2);
/// assert_eq!((segments.count, segments.units, segments.free), (1, 18, 52));
/// ```
#[must_use]
pub fn count_segments(text: &str) -> Segments {
    let encoding = Encoding::of(text);
    let units = text.chars().map(|c| encoding.units(c)).sum();
    if units <= encoding.single() {
        let free = encoding.single() - units;
        return Segments {
            encoding,
            count: 1,
            units,
            free,
        };
    }
    let (mut count, mut used) = (1, 0);
    for c in text.chars() {
        let width = encoding.units(c);
        if used + width > encoding.part() {
            count += 1;
            used = 0;
        }
        used += width;
    }
    let free = encoding.part() - used;
    Segments {
        encoding,
        count,
        units,
        free,
    }
}

/// The segments of `text`, as many as [`count_segments`] says: for a preview, or for a vendor that
/// takes each by itself.
///
/// ```
/// let text = "a".repeat(152) + "€" + "b";
/// assert_eq!(notify_providers::sms::split_segments(&text), [&text]);
///
/// // In 306 septets, but the two of the euro sign do not go apart.
/// let text = "a".repeat(152) + "€" + &"b".repeat(152);
/// let lengths: Vec<_> = notify_providers::sms::split_segments(&text).iter().map(|part| part.chars().count()).collect();
/// assert_eq!(lengths, [152, 152, 1]);
/// ```
#[must_use]
pub fn split_segments(text: &str) -> Vec<&str> {
    let Segments {
        encoding, count, ..
    } = count_segments(text);
    if count == 1 {
        return vec![text];
    }
    let (mut segments, mut start, mut used) = (Vec::with_capacity(count), 0, 0);
    for (at, c) in text.char_indices() {
        let width = encoding.units(c);
        if used + width > encoding.part() {
            segments.push(&text[start..at]);
            (start, used) = (at, 0);
        }
        used += width;
    }
    segments.push(&text[start..]);
    segments
}

/// The characters that keep `text` out of GSM-7, each with the byte where it stands: what an editor
/// may want to mark.
///
/// ```
/// let found: Vec<_> = notify_providers::sms::not_gsm7("It’s 5 € – ok").collect();
/// assert_eq!(found, [(2, '’'), (13, '–')]);
/// ```
pub fn not_gsm7(text: &str) -> impl Iterator<Item = (usize, char)> {
    text.char_indices().filter(|(_, c)| septets(*c).is_none())
}

/// How many septets a character takes in GSM-7, if it is in its alphabet.
pub(super) fn septets(c: char) -> Option<usize> {
    if c.is_ascii_alphanumeric() || BASIC.contains(c) {
        Some(1)
    } else {
        EXTENSION.contains(c).then_some(2)
    }
}

#[cfg(test)]
mod tests;
