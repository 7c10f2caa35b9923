//! Reads mails back: headers, encoded words, transfer encodings and parts. Written for the tests,
//! apart from what writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A mail, or one of its parts.
#[derive(Debug, Clone)]
pub struct Part {
    /// Names as they stand there, values on one line and not decoded.
    pub headers: Vec<(String, String)>,
    /// Decoded from its transfer encoding.
    pub body: Vec<u8>,
    /// The parts of a multipart.
    pub parts: Vec<Self>,
}

impl Part {
    /// Reads a mail; panics where it is malformed, as a strict receiver would refuse it.
    pub fn parse(mail: &[u8]) -> Self {
        let end = mail
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .expect("a mail has an empty line after its headers");
        let header = std::str::from_utf8(&mail[..end + 2]).expect("headers are UTF-8");
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in header.split_terminator("\r\n") {
            assert!(
                !line.contains(['\r', '\n', '\0']),
                "bare line end in {line:?}"
            );
            if line.starts_with([' ', '\t']) {
                let (_, value) = headers.last_mut().expect("the first line is not folded");
                value.push_str(line);
            } else {
                let (name, value) = line
                    .split_once(':')
                    .unwrap_or_else(|| panic!("no colon in {line:?}"));
                assert!(
                    name.bytes().all(|b| b.is_ascii_graphic()),
                    "{name:?} is no header name"
                );
                headers.push((
                    name.to_owned(),
                    value.strip_prefix(' ').unwrap_or(value).to_owned(),
                ));
            }
        }
        let mut part = Self {
            headers,
            body: Vec::new(),
            parts: Vec::new(),
        };
        let raw = &mail[end + 4..];
        match part.boundary() {
            Some(boundary) => {
                part.parts = split(raw, &boundary).into_iter().map(Self::parse).collect()
            }
            None => part.body = part.decode(raw),
        }
        part
    }

    /// The only header of this name, as it stands there.
    pub fn raw(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str());
        let value = values.next();
        assert!(values.next().is_none(), "{name} comes twice");
        value
    }

    /// The only header of this name, decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        self.raw(name).map(decode_words)
    }

    /// The media type without parameters.
    pub fn media_type(&self) -> String {
        self.raw("Content-Type").map_or_else(
            || "text/plain".to_owned(),
            |v| v.split(';').next().unwrap_or_default().trim().to_owned(),
        )
    }

    /// The body as text with line feeds.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone())
            .expect("the body is UTF-8")
            .replace("\r\n", "\n")
    }

    /// The parts and their parts, those without parts of their own only.
    pub fn leaves(&self) -> Vec<&Self> {
        if self.parts.is_empty() {
            vec![self]
        } else {
            self.parts.iter().flat_map(Self::leaves).collect()
        }
    }

    fn boundary(&self) -> Option<String> {
        let value = self
            .raw("Content-Type")
            .filter(|v| v.starts_with("multipart/"))?;
        let (_, rest) = value.split_once("boundary=")?;
        Some(
            rest.trim_start_matches('"')
                .split(['"', ';'])
                .next()
                .unwrap_or_default()
                .to_owned(),
        )
    }

    fn decode(&self, raw: &[u8]) -> Vec<u8> {
        match self
            .raw("Content-Transfer-Encoding")
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("base64") => STANDARD
                .decode(
                    raw.iter()
                        .copied()
                        .filter(|b| !b.is_ascii_whitespace())
                        .collect::<Vec<_>>(),
                )
                .expect("base64"),
            Some("quoted-printable") => quoted_printable(raw),
            _ => raw.to_vec(),
        }
    }
}

fn split<'a>(raw: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut start = None;
    let mut at = 0;
    let mut closed = false;
    for line in raw.split_inclusive(|b| *b == b'\n') {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        if text.starts_with(delimiter.as_bytes()) {
            if let Some(start) = start {
                parts.push(&raw[start..at - 2]);
            }
            start = Some(at + line.len());
            closed = text.ends_with(b"--");
            if closed {
                break;
            }
        }
        at += line.len();
    }
    assert!(closed, "the last boundary is missing");
    parts
}

fn quoted_printable(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'=' {
            out.push(byte);
            continue;
        }
        let (high, low) = (
            bytes.next().expect("two digits"),
            bytes.next().expect("two digits"),
        );
        if (high, low) != (b'\r', b'\n') {
            out.push(hex(high) << 4 | hex(low));
        }
    }
    out
}

fn hex(byte: u8) -> u8 {
    u8::try_from(char::from(byte).to_digit(16).expect("a hexadecimal digit")).expect("below 16")
}

/// Decodes the encoded words of RFC 2047; spaces between two of them vanish.
pub fn decode_words(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text;
    let mut after_word = false;
    while let Some(start) = rest.find("=?") {
        let parts: Vec<&str> = rest[start + 2..].splitn(4, '?').collect();
        let [charset, encoding, payload, tail] = parts[..] else {
            break;
        };
        let Some(tail) = tail.strip_prefix('=') else {
            out.extend_from_slice(&rest.as_bytes()[..start + 2]);
            rest = &rest[start + 2..];
            after_word = false;
            continue;
        };
        let between = &rest[..start];
        if !(after_word && between.chars().all(char::is_whitespace)) {
            out.extend_from_slice(between.as_bytes());
        }
        assert!(charset.eq_ignore_ascii_case("utf-8"), "{charset}");
        match encoding {
            "b" | "B" => out.extend(STANDARD.decode(payload).expect("base64")),
            _ => out.extend(quoted_printable(payload.replace('_', " ").as_bytes())),
        }
        rest = tail;
        after_word = true;
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8(out).expect("encoded words are UTF-8")
}
