//! The vendor's side of AWS Signature Version 4: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use super::{KEY_ID, SECRET};
use crate::support::http::Request;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, key), text.as_bytes())
        .as_ref()
        .to_vec()
}

/// Panics if the request is not signed by our key, for `ses` in `eu-west-1`.
pub(super) fn check(request: &Request, token: Option<&str>) {
    check_with(request, KEY_ID, SECRET, token);
}

pub(super) fn check_with(request: &Request, key_id: &str, secret: &str, token: Option<&str>) {
    assert_eq!(request.header("x-amz-security-token"), token);
    let date = request.header("x-amz-date").expect("a date");
    let scope = format!("{}/eu-west-1/ses/aws4_request", &date[..8]);
    let mut names = vec!["content-type", "host", "x-amz-date"];
    names.extend(token.map(|_| "x-amz-security-token"));
    let headers = names.iter().map(|name| {
        let value = request.header(name).expect("a signed header");
        format!("{name}:{value}\n")
    });
    let canonical = format!(
        "{}\n{}\n{}\n{}\n{}\n{}",
        request.method,
        request.path,
        request.query,
        headers.collect::<String>(),
        names.join(";"),
        hex(digest(&SHA256, &request.body).as_ref()),
    );
    let hash = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}");
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [&date[..8], "eu-west-1", "ses", "aws4_request"] {
        key = mac(&key, part);
    }
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={}, Signature={}",
        names.join(";"),
        hex(&mac(&key, &text)),
    );
    assert_eq!(request.header("authorization"), Some(expected.as_str()));
}
