//! Verifies DKIM signatures from the raw mail, apart from what makes them: it follows the steps of
//! RFC 6376 §6.1 for a verifier.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;

/// Verifies the topmost signature with this public key and returns its tags.
///
/// # Panics
/// If the signature does not hold.
pub fn verify(mail: &[u8], public_key: &[u8]) -> HashMap<String, String> {
    let mail = String::from_utf8(mail.to_vec()).expect("UTF-8");
    let (header, body) = mail.split_once("\r\n\r\n").expect("a body");
    let unfolded = header.replace("\r\n ", " ").replace("\r\n\t", " ");
    let mut fields: Vec<(String, String)> = unfolded
        .split("\r\n")
        .map(|line| line.split_once(':').expect("a colon"))
        .map(|(name, value)| {
            (
                name.trim().to_lowercase(),
                collapse(value).trim().to_owned(),
            )
        })
        .collect();
    let at = fields
        .iter()
        .position(|(name, _)| name == "dkim-signature")
        .expect("a signature");
    let (_, signature_field) = fields.remove(at);

    let tags: HashMap<String, String> = signature_field
        .split(';')
        .filter_map(|tag| tag.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.split_whitespace().collect()))
        .collect();
    assert_eq!(
        (tags["v"].as_str(), tags["c"].as_str()),
        ("1", "relaxed/relaxed")
    );

    let mut lines: Vec<String> = body
        .split("\r\n")
        .map(|line| collapse(line).trim_end().to_owned())
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let canonical: String = lines.into_iter().map(|line| line + "\r\n").collect();
    assert_eq!(
        tags["bh"],
        STANDARD.encode(digest(&SHA256, canonical.as_bytes())),
        "the body was changed"
    );

    let mut data = String::new();
    for name in tags["h"].split(':') {
        let name = name.to_lowercase();
        if let Some(at) = fields.iter().rposition(|(n, _)| *n == name) {
            let (name, value) = fields.remove(at);
            data.push_str(&format!("{name}:{value}\r\n"));
        }
    }
    let b = signature_field.rfind(" b=").expect("b") + 3;
    data.push_str(&format!("dkim-signature:{}", &signature_field[..b]));

    let signature = STANDARD.decode(&tags["b"]).expect("base64");
    match tags["a"].as_str() {
        "rsa-sha256" => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key)
            .verify(data.as_bytes(), &signature),
        "ed25519-sha256" => UnparsedPublicKey::new(&ED25519, public_key)
            .verify(digest(&SHA256, data.as_bytes()).as_ref(), &signature),
        other => panic!("{other}"),
    }
    .expect("the signature holds");
    tags
}

fn collapse(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            ' ' | '\t' if out.ends_with(' ') => {}
            ' ' | '\t' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
