//! DKIM against what others have published: RFC 6376 for the canonical forms, RFC 8463 for whole
//! signatures.

use super::*;
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey,
};

/// RFC 8463, appendix A.3, without the two signatures.
const MAIL: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
    To: Suzie Q <suzie@shopping.example.net>\r\n\
    Subject: Is dinner ready?\r\n\
    Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
    Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
    \r\n\
    Hi.\r\n\
    \r\n\
    We lost the game.  Are you hungry yet?\r\n\
    \r\n\
    Joe.\r\n";

/// RFC 8463, appendix A.3: the fields that both signatures name.
const NAMES: [&str; 8] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "from",
    "subject",
    "date",
];

/// What RFC 8463, appendix A.3, signs with the given signature field.
fn signed_data(signature_field: &str) -> Vec<u8> {
    let (header, _) = split(MAIL.as_bytes());
    let mut data = relaxed_fields(&fields(header), &NAMES);
    data.extend(relaxed_field("dkim-signature", signature_field.as_bytes()));
    data
}

#[test]
fn canonical_forms_are_those_of_rfc_6376_section_3_4_5() {
    let mail = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
    let (header, body) = split(mail);
    let fields = fields(header);
    assert_eq!(
        relaxed_fields(&fields, &["a", "b", "c"]),
        b"a:X\r\nb:Y Z\r\n"
    );
    assert_eq!(relaxed_body(body), b" C\r\nD E\r\n");
}

#[test]
fn an_empty_body_stays_empty_and_a_missing_line_end_is_added() {
    assert_eq!(relaxed_body(b""), b"");
    assert_eq!(relaxed_body(b"\r\n\r\n"), b"");
    assert_eq!(relaxed_body(b"a"), b"a\r\n");
    assert_eq!(relaxed_body(b" \t\r\na\r\n"), b"\r\na\r\n");
}

#[test]
fn a_repeated_field_is_signed_from_the_bottom_up() {
    let (header, _) = split(b"X: 1\r\nX: 2\r\n\r\n");
    assert_eq!(
        relaxed_fields(&fields(header), &["x", "x", "x"]),
        b"x:2\r\nx:1\r\n"
    );
}

#[test]
fn the_body_hash_is_that_of_rfc_8463_appendix_a() {
    let (_, body) = split(MAIL.as_bytes());
    assert_eq!(
        STANDARD.encode(digest(&SHA256, &relaxed_body(body))),
        "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
    );
}

#[test]
fn the_ed25519_signature_is_that_of_rfc_8463_appendix_a() {
    let key = Key::read("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").expect("reads");
    let data = signed_data(
        " v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n \
         q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n \
         bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=",
    );
    let expected =
        "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";
    assert_eq!(STANDARD.encode(key.sign(&data).expect("signs")), expected);

    let public = STANDARD
        .decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
        .expect("base64");
    let signature = STANDARD.decode(expected).expect("base64");
    let hash = digest(&SHA256, &data);
    UnparsedPublicKey::new(&ED25519, public)
        .verify(hash.as_ref(), &signature)
        .expect("verifies");
}

#[test]
fn the_rsa_signature_of_rfc_8463_appendix_a_verifies() {
    let data = signed_data(
        " v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n \
         q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n date : message-id : from : subject : date;\r\n \
         bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=",
    );
    let signature = "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\
                     dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=";
    let public = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ\
                  /BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
    let (signature, public) = (
        STANDARD.decode(signature).expect("base64"),
        STANDARD.decode(public).expect("base64"),
    );
    UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, public)
        .verify(&data, &signature)
        .expect("verifies");
}

#[test]
fn a_key_that_is_none_is_refused_without_being_shown() {
    for key in [
        "",
        "hunter2",
        "aHVudGVyMg==",
        "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n",
    ] {
        let error = Dkim::new("example.com", "s1", key).expect_err(key);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.to_string().contains("hunter2"));
    }
    let seed = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
    assert!(Dkim::new("example.com\r\nX: y", "s1", seed).is_err());
    assert!(Dkim::new("example.com", "s 1", seed).is_err());
    assert!(!format!("{:?}", Dkim::new("пример.рф", "s1", seed).expect("reads")).contains("nWGx"));
}
