//! Callbacks of Plivo: HMAC-SHA-256 over the address, the form and a nonce (V3). The older V2 covers neither query nor form, and
//! is not believed.

use super::Refused;
use super::encoding::{form_pairs, unbase64};
use super::hmac::{self, Hash};

/// The most signatures of one request that are looked at.
const MAX_SIGNATURES: usize = 16;

/// Whether one of the signatures in `X-Plivo-Signature-V3` was made with the auth token for this
/// address, form and nonce. `form` holds the decoded fields of a POST and is empty for a GET.
///
/// Nothing dates the signature: nonces must not be accepted twice.
///
/// # Errors
/// [`Refused`].
pub(crate) fn verify_v3(
    token: &[u8],
    url: &str,
    form: &[(String, String)],
    nonce: &str,
    signatures: &str,
) -> Result<(), Refused> {
    let base = v3_base(url, form);
    let signed: &[&[u8]] = &[base.as_bytes(), b".", nonce.as_bytes()];
    let mut verdict = Err(Refused::Malformed("X-Plivo-Signature-V3"));
    let signatures = signatures.split(',').take(MAX_SIGNATURES);
    for expected in signatures.filter_map(|one| unbase64(one.trim())) {
        verdict = hmac::verify(Hash::Sha256, token, signed, &expected);
        if verdict.is_ok() {
            break;
        }
    }
    verdict
}

/// The address, its decoded query in order, and the form in order, as Plivo joins them.
fn v3_base(url: &str, form: &[(String, String)]) -> String {
    let (address, query) = split(url);
    let mut base = address.to_owned();
    let mut query = form_pairs(query);
    query.sort();
    if !query.is_empty() || !form.is_empty() {
        base.push('?');
    }
    let query: Vec<_> = query.iter().map(|(n, v)| format!("{n}={v}")).collect();
    base.push_str(&query.join("&"));
    if !query.is_empty() && !form.is_empty() {
        base.push('.');
    }
    let mut form: Vec<_> = form.iter().collect();
    form.sort();
    for (name, value) in form {
        base.push_str(name);
        base.push_str(value);
    }
    base
}

/// An address without its query, and the query.
fn split(url: &str) -> (&str, &str) {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    url.split_once('?').unwrap_or((url, ""))
}

#[cfg(test)]
mod tests {
    use super::super::encoding::base64;
    use super::*;

    const TOKEN: &[u8] = b"my_auth_token";

    #[test]
    fn the_hash_of_the_published_v2_signature_is_the_one_of_v3() {
        // The tests of plivo-python. V2 has no dot before the nonce.
        let signature = unbase64("ehV3IKhLysWBxC1sy8INm0qGoQYdYsHwuoKjsX7FsXc=");
        let signature = signature.expect("is base64");
        let verdict = |nonce: &[u8]| {
            let signed: &[&[u8]] = &[b"https://answer.url", nonce];
            hmac::verify(Hash::Sha256, TOKEN, signed, &signature)
        };
        assert_eq!(verdict(b"12345"), Ok(()));
        assert_eq!(verdict(b"12346"), Err(Refused::Mismatch));
    }

    #[test]
    fn v3_joins_query_and_form_in_order() {
        // No vector is published; this is what plivo-python builds.
        let form = form_pairs("To=%2B1555&From=a&To=%2B1444");
        for (url, form, base) in [
            ("https://x.y/p", &[][..], "https://x.y/p"),
            (
                "https://x.y/p?b=2&a=%2B1&a=0",
                &[],
                "https://x.y/p?a=+1&a=0&b=2",
            ),
            ("https://x.y/p", &form, "https://x.y/p?FromaTo+1444To+1555"),
            (
                "https://x.y/p?b=2",
                &form,
                "https://x.y/p?b=2.FromaTo+1444To+1555",
            ),
        ] {
            assert_eq!(v3_base(url, form), base);
        }
    }

    #[test]
    fn any_of_several_v3_signatures_will_do() {
        let form = form_pairs("MessageUUID=1&Status=delivered");
        let url = "https://x.y/p?n=1";
        let base = "https://x.y/p?n=1.MessageUUID1Statusdelivered.77";
        let right = base64(hmac::sign(Hash::Sha256, TOKEN, &[base.as_bytes()]).as_ref());
        let wrong = base64(&[0; 32]);
        let verdict = |signatures: &str| verify_v3(TOKEN, url, &form, "77", signatures);
        assert_eq!(verdict(&right), Ok(()));
        assert_eq!(verdict(&format!("{wrong},{right}")), Ok(()));
        assert_eq!(verdict(&format!("{right}, {wrong}")), Ok(()));
        assert_eq!(verdict(&wrong), Err(Refused::Mismatch));
        let malformed = Err(Refused::Malformed("X-Plivo-Signature-V3"));
        assert_eq!(verdict("!"), malformed);
        let changed = verify_v3(TOKEN, url, &form[1..], "77", &right);
        assert_eq!(changed, Err(Refused::Mismatch));
    }
}
