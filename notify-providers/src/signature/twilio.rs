//! Callbacks of Twilio: HMAC-SHA-1 over the address and the form.

use super::Refused;
use super::encoding::{form_pairs, sha256_hex, unbase64};
use super::hmac::{self, Hash};

/// Whether `X-Twilio-Signature` was made with the account's primary auth token over a form.
///
/// `url` is the address exactly as Twilio called it, query included: behind a proxy it is made from
/// the configuration and not from the `Host` header. A port that is the scheme's own may be in it or
/// not. `form` holds the decoded fields of the body, and is empty for a GET.
///
/// Nothing dates the signature: compare the message's id and status with those that were seen.
///
/// # Errors
/// [`Refused`].
pub(crate) fn verify(
    token: &[u8],
    url: &str,
    form: &[(String, String)],
    signature: &str,
) -> Result<(), Refused> {
    let expected = unbase64(signature).ok_or(Refused::Malformed("X-Twilio-Signature"))?;
    let mut fields: Vec<_> = form.iter().collect();
    fields.sort();
    fields.dedup();
    let fields: String = fields
        .into_iter()
        .flat_map(|(name, value)| [name.as_str(), value])
        .collect();
    let verdict = |url: &str| {
        let signed: &[&[u8]] = &[url.as_bytes(), fields.as_bytes()];
        hmac::verify(Hash::Sha1, token, signed, &expected)
    };
    let verdicts = spellings(url).map(|url| verdict(&url));
    verdicts
        .into_iter()
        .find(Result::is_ok)
        .unwrap_or_else(|| verdict(url))
}

/// Whether `X-Twilio-Signature` was made over a body that is not a form: the address then holds
/// the hash of the body in `bodySHA256`, and the signature covers the address alone.
///
/// # Errors
/// [`Refused`].
pub(crate) fn verify_body(
    token: &[u8],
    url: &str,
    body: &[u8],
    signature: &str,
) -> Result<(), Refused> {
    verify(token, url, &[], signature)?;
    let (_, query) = url.split_once('?').unwrap_or((url, ""));
    let mut pairs = form_pairs(query).into_iter();
    let hash = pairs.find(|(name, _)| name == "bodySHA256");
    let (_, hash) = hash.ok_or(Refused::Missing("bodySHA256"))?;
    if hmac::is_same(
        hash.to_ascii_lowercase().as_bytes(),
        sha256_hex(body).as_bytes(),
    ) {
        Ok(())
    } else {
        Err(Refused::Mismatch)
    }
}

/// The address with a port and without: which of them Twilio signs has changed over time.
fn spellings(url: &str) -> [String; 2] {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rfind('@').map_or(0, |at| at + 1);
    let port = authority[host..]
        .rfind(':')
        .map(|at| host + at)
        .filter(|at| authority[at + 1..].bytes().all(|b| b.is_ascii_digit()));
    let default = if scheme == "http" { 80 } else { 443 };
    match port {
        Some(at) => [
            url.to_owned(),
            format!("{scheme}://{}{path}", &authority[..at]),
        ],
        None => [
            url.to_owned(),
            format!("{scheme}://{authority}:{default}{path}"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Twilio's documentation and of the tests of twilio-python.
    const TOKEN: &[u8] = b"12345";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    const BODY: &[u8] = br#"{"property": "value", "boolean": true}"#;
    const BODY_URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    const BODY_SIGNATURE: &str = "a9nBmqA0ju/hNViExpshrM61xv4=";

    fn form() -> Vec<(String, String)> {
        form_pairs(
            "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309",
        )
    }

    #[test]
    fn the_documented_form_passes_in_any_order() {
        assert_eq!(verify(TOKEN, URL, &form(), SIGNATURE), Ok(()));
        let mut backwards = form();
        backwards.reverse();
        assert_eq!(verify(TOKEN, URL, &backwards, SIGNATURE), Ok(()));
        // Twilio counts a value that is repeated once.
        backwards.extend(form());
        assert_eq!(verify(TOKEN, URL, &backwards, SIGNATURE), Ok(()));
    }

    #[test]
    fn anything_that_was_changed_is_refused() {
        let refused = Err(Refused::Mismatch);
        assert_eq!(verify(TOKEN, URL, &form()[1..], SIGNATURE), refused);
        let mut renamed = form();
        renamed[0].0 = "callsid".to_owned();
        assert_eq!(verify(TOKEN, URL, &renamed, SIGNATURE), refused);
        let longer = format!("{URL}&baz=3");
        assert_eq!(verify(TOKEN, &longer, &form(), SIGNATURE), refused);
        let plain = URL.replace("https", "http");
        assert_eq!(verify(TOKEN, &plain, &form(), SIGNATURE), refused);
        assert_eq!(verify(b"54321", URL, &form(), SIGNATURE), refused);
        let malformed = Err(Refused::Malformed("X-Twilio-Signature"));
        assert_eq!(verify(TOKEN, URL, &form(), "not base64!"), malformed);
    }

    #[test]
    fn a_port_may_be_in_the_address_or_not() {
        let with_port = URL.replace(".com/", ".com:443/");
        assert_eq!(verify(TOKEN, &with_port, &form(), SIGNATURE), Ok(()));
        for (url, other) in [
            ("https://h/p", "https://h:443/p"),
            ("http://h?q", "http://h:80?q"),
            ("https://h:8443/p:1", "https://h/p:1"),
            ("https://u:1@h/p", "https://u:1@h:443/p"),
            ("https://[::1]/p", "https://[::1]:443/p"),
            ("https://[::1]:443/p", "https://[::1]/p"),
            ("https://[::1]:443?b", "https://[::1]?b"),
            ("https://u:p@h:443/p", "https://u:p@h/p"),
        ] {
            assert_eq!(spellings(url), [url, other]);
        }
    }

    #[test]
    fn a_json_body_passes_by_its_hash_in_the_address() {
        assert_eq!(verify_body(TOKEN, BODY_URL, BODY, BODY_SIGNATURE), Ok(()));
        let verdict = verify_body(TOKEN, BODY_URL, b"{}", BODY_SIGNATURE);
        assert_eq!(verdict, Err(Refused::Mismatch), "another body");
        let without = verify(TOKEN, URL, &[], BODY_SIGNATURE);
        assert_eq!(without, Err(Refused::Mismatch), "another address");
        let tag = hmac::sign(Hash::Sha1, TOKEN, &[URL.as_bytes()]);
        let unhashed = super::super::encoding::base64(tag.as_ref());
        let verdict = verify_body(TOKEN, URL, BODY, &unhashed);
        assert_eq!(verdict, Err(Refused::Missing("bodySHA256")));
    }
}
