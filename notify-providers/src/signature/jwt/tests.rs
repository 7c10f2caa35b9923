//! Tokens of the RFCs, and tokens that must not pass.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::KeyPair as _;
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// RFC 7515 A.3: key and token.
const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
/// RFC 7515 A.1: key and token.
const HS256_KEY: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const HS256: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn point() -> Vec<u8> {
    let part = |text| unbase64url(text).expect("base64url");
    [vec![4], part(X), part(Y)].concat()
}

fn pem(der: &[u8], label: &str) -> SecretString {
    let body = super::super::encoding::base64(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n").into()
}

fn ec() -> (SigningKey, Vec<u8>) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("generates");
    let der = pair.to_pkcs8v1().expect("exports");
    let key = SigningKey::es256(&pem(der.as_ref(), "PRIVATE KEY")).expect("reads");
    (key, pair.public_key().as_ref().to_vec())
}

fn rsa_pair() -> rsa::KeyPair {
    rsa::KeyPair::generate(KeySize::Rsa2048).expect("generates")
}

fn header(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(header) => header,
        _ => panic!("not an object"),
    }
}

#[test]
fn the_es256_token_of_rfc_7515_passes_and_a_changed_one_does_not() {
    let claims = verify(ES256, &VerifyingKey::Es256(&point())).expect("RFC 7515 A.3");
    assert_eq!(claims["iss"], "joe");
    assert_eq!(time_claim(&claims, "exp"), Ok(1_300_819_380));
    let changed = ES256.replace("eyJpc3MiOiJqb2Ui", "eyJpc3MiOiJqb2Uj");
    assert!(verify(&changed, &VerifyingKey::Es256(&point())).is_err());
    let (_, other) = ec();
    let verdict = verify(ES256, &VerifyingKey::Es256(&other));
    assert_eq!(verdict, Err(Refused::Mismatch));
}

#[test]
fn the_hs256_token_of_rfc_7515_passes_with_its_key_only() {
    let key = unbase64url(HS256_KEY).expect("base64url");
    let allowed = [Hash::Sha256];
    let claims = verify(HS256, &VerifyingKey::Hmac(&key, &allowed)).expect("RFC 7515 A.1");
    assert_eq!(claims["http://example.com/is_root"], true);
    let verdict = verify(HS256, &VerifyingKey::Hmac(b"other", &allowed));
    assert_eq!(verdict, Err(Refused::Mismatch));
    let verdict = verify(HS256, &VerifyingKey::Hmac(&key, &[Hash::Sha512]));
    assert_eq!(verdict, Err(Refused::Unsupported("alg")));
}

#[test]
fn a_token_does_not_choose_how_it_is_verified() {
    // The public key as if it were a shared secret, and no signature at all (RFC 8725 §2.1).
    let point = point();
    let confused = hmac_token(r#"{"alg":"HS256"}"#, &point);
    let verdict = verify(&confused, &VerifyingKey::Es256(&point));
    assert_eq!(verdict, Err(Refused::Unsupported("alg")));
    let none = format!("{}.{}.", base64url(br#"{"alg":"none"}"#), base64url(b"{}"));
    for key in [
        VerifyingKey::Es256(&point),
        VerifyingKey::Rs256(&point),
        VerifyingKey::Hmac(&point, &[Hash::Sha256]),
    ] {
        assert_eq!(verify(&none, &key), Err(Refused::Unsupported("alg")));
    }
}

#[test]
fn an_extension_that_must_be_understood_is_refused() {
    let token = hmac_token(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, b"key");
    let verdict = verify(&token, &VerifyingKey::Hmac(b"key", &[Hash::Sha256]));
    assert_eq!(verdict, Err(Refused::Unsupported("crit")));
}

fn hmac_token(header: &str, key: &[u8]) -> String {
    let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(b"{}"));
    let tag = hmac::sign(Hash::Sha256, key, &[signed.as_bytes()]);
    format!("{signed}.{}", base64url(tag.as_ref()))
}

#[test]
fn what_is_not_three_parts_of_json_is_malformed() {
    let long = format!("{}.e30.", "A".repeat(MAX_TOKEN));
    for bad in [
        "",
        "a",
        "a.b",
        "e30.e30.!",
        "W10.e30.AA",
        "e30.W10.AA",
        "é.é.é",
        &long,
    ] {
        let verdict = verify(bad, &VerifyingKey::Es256(&point()));
        assert_eq!(verdict, Err(Refused::Malformed("token")), "{bad}");
    }
    let verdict = verify("e30.e30.AA", &VerifyingKey::Es256(&point()));
    assert_eq!(verdict, Err(Refused::Missing("alg")));
}

#[test]
fn an_es256_token_that_was_signed_here_passes_with_raw_r_and_s() {
    let (key, public) = ec();
    let token = key
        .token(
            header(json!({"kid": "ABC123DEFG"})),
            &json!({"iss": "DEF123GHIJ"}),
        )
        .expect("signs");
    let token = token.expose_secret();
    let parts: Vec<_> = token
        .split('.')
        .map(|part| unbase64url(part).expect("base64url"))
        .collect();
    assert_eq!(parts[0], br#"{"alg":"ES256","kid":"ABC123DEFG"}"#);
    assert_eq!(parts[2].len(), 64, "r and s, not DER");
    let claims = verify(token, &VerifyingKey::Es256(&public)).expect("passes");
    assert_eq!(claims, json!({"iss": "DEF123GHIJ"}));
}

#[test]
fn an_rs256_token_passes_under_both_forms_of_its_public_key() {
    let pair = rsa_pair();
    let der: Pkcs8V1Der<'_> = pair.as_der().expect("exports");
    let key = SigningKey::rs256(&pem(der.as_ref(), "PRIVATE KEY")).expect("reads");
    let token = key
        .token(Map::new(), &json!({"iss": "app@example.com"}))
        .expect("signs");
    let public = pair.public_key().as_ref().to_vec();
    let claims = verify(token.expose_secret(), &VerifyingKey::Rs256(&public)).expect("passes");
    assert_eq!(claims["iss"], "app@example.com");
    let (_, other) = ec();
    let verdict = verify(token.expose_secret(), &VerifyingKey::Rs256(&other));
    assert_eq!(verdict, Err(Refused::Mismatch));
}

#[test]
fn a_key_of_the_wrong_kind_is_a_config_error_that_shows_nothing_of_it() {
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("generates");
    let ec = ec.to_pkcs8v1().expect("exports");
    let ec = pem(ec.as_ref(), "PRIVATE KEY");
    let error = SigningKey::rs256(&ec).expect_err("not RSA");
    assert_eq!(error.kind(), ErrorKind::Config);
    for bad in [
        "",
        "hunter2",
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
    ] {
        let error = SigningKey::es256(&bad.into()).expect_err("no key");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    let key = SigningKey::es256(&ec).expect("P-256");
    assert_eq!(format!("{key:?}"), "SigningKey(ES256, [redacted])");
}

#[test]
fn a_time_may_have_a_fraction() {
    let claims = json!({"iat": 1_516_239_022.9, "nbf": "soon", "exp": 1e300});
    assert_eq!(time_claim(&claims, "iat"), Ok(1_516_239_022));
    assert_eq!(time_claim(&claims, "nbf"), Err(Refused::Malformed("nbf")));
    assert_eq!(time_claim(&claims, "exp"), Err(Refused::Malformed("exp")));
    assert_eq!(time_claim(&claims, "jti"), Err(Refused::Missing("jti")));
}

proptest! {
    #[test]
    fn no_text_makes_the_verifier_panic_or_pass(token in "[A-Za-z0-9_.-]{0,80}|\\PC{0,40}") {
        prop_assert!(verify(&token, &VerifyingKey::Hmac(b"key", &[Hash::Sha256])).is_err());
    }
}
