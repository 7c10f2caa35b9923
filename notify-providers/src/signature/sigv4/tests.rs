//! The example of AWS's documentation, and cases of its signing test suite (`aws-c-auth`,
//! `tests/aws-signing-test-suite/v4`).

use super::super::tests::at;
use super::*;

const KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2015-08-30T12:36:00Z.
const NOW: i64 = 1_440_938_160;
const HOST: (&str, &str) = ("Host", "example.amazonaws.com");

fn signer(service: &'static str) -> Signer {
    Signer::new("AKIDEXAMPLE", KEY.into(), "us-east-1", service)
}

const GET: Request<'static> = Request {
    method: "GET",
    path: "/",
    query: &[],
    headers: &[HOST],
    body: b"",
};

#[track_caller]
fn assert_signed(signer: &Signer, request: &Request<'_>, names: &str, signature: &str) {
    let signed = signer.sign(request, at(NOW));
    assert_eq!(signed.date, "20150830T123600Z");
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{}/aws4_request, SignedHeaders={names}, Signature={signature}",
        signer.service
    );
    assert_eq!(signed.authorization, expected);
}

#[test]
fn the_example_of_the_documentation_comes_out_step_by_step() {
    let signer = signer("iam");
    let request = Request {
        query: &[("Version", "2010-05-08"), ("Action", "ListUsers")],
        headers: &[
            (
                "Content-Type",
                "application/x-www-form-urlencoded; charset=utf-8",
            ),
            ("Host", "iam.amazonaws.com"),
        ],
        ..GET
    };
    let (canonical, _) = signer.canonical_request(&request, "20150830T123600Z");
    assert_eq!(
        sha256_hex(canonical.as_bytes()),
        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
    );
    assert_eq!(
        hex(signer.signing_key("20150830").as_ref()),
        "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
    );
    assert_signed(
        &signer,
        &request,
        "content-type;host;x-amz-date",
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    );
}

#[test]
fn get_vanilla() {
    let (canonical, _) = signer("service").canonical_request(&GET, "20150830T123600Z");
    assert_eq!(
        sha256_hex(canonical.as_bytes()),
        "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63"
    );
    assert_signed(
        &signer("service"),
        &GET,
        "host;x-amz-date",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    );
}

#[test]
fn get_vanilla_with_session_token() {
    let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
    let signer = signer("service").session_token(token.into());
    assert_signed(
        &signer,
        &GET,
        "host;x-amz-date;x-amz-security-token",
        "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
    );
    let sent = signer.sign(&GET, at(NOW)).security_token.expect("sent too");
    assert_eq!(sent.expose_secret(), token);
}

#[test]
fn get_vanilla_query_order_key_case_and_unreserved() {
    let ordered = Request {
        query: &[("Param2", "value2"), ("Param1", "value1")],
        ..GET
    };
    assert_signed(
        &signer("service"),
        &ordered,
        "host;x-amz-date",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    );
    let all = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let unreserved = Request {
        query: &[(all, all)],
        ..GET
    };
    assert_signed(
        &signer("service"),
        &unreserved,
        "host;x-amz-date",
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    );
}

#[test]
fn get_header_value_trim() {
    let request = Request {
        headers: &[
            HOST,
            ("My-Header2", " \"a   b   c\" "),
            ("My-Header1", " value1"),
        ],
        ..GET
    };
    assert_signed(
        &signer("service"),
        &request,
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    );
}

#[test]
fn post_x_www_form_urlencoded() {
    let hash = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
    let request = Request {
        method: "POST",
        headers: &[
            ("Content-Type", "application/x-www-form-urlencoded"),
            HOST,
            ("Content-Length", "13"),
            ("x-amz-content-sha256", hash),
        ],
        body: b"Param1=value1",
        ..GET
    };
    assert_eq!(sha256_hex(request.body), hash);
    assert_signed(
        &signer("service"),
        &request,
        "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
    );
}

#[test]
fn every_part_of_a_request_counts() {
    let base = signer("ses").sign(&GET, at(NOW)).authorization;
    for other in [
        Request {
            method: "PUT",
            ..GET
        },
        Request {
            path: "/v2/email/outbound-emails",
            ..GET
        },
        Request {
            query: &[("a", "")],
            ..GET
        },
        Request {
            headers: &[("host", "example.com")],
            ..GET
        },
        Request { body: b"{}", ..GET },
    ] {
        assert_ne!(signer("ses").sign(&other, at(NOW)).authorization, base);
    }
    assert_ne!(signer("ses").sign(&GET, at(NOW + 1)).authorization, base);
    assert_ne!(signer("sns").sign(&GET, at(NOW)).authorization, base);
}

#[test]
fn a_path_is_encoded_once_more_and_parts_of_a_second_are_cut_off() {
    let request = Request {
        path: "/a%20b/c",
        ..GET
    };
    let (canonical, _) = signer("ses").canonical_request(&request, "20150830T123600Z");
    assert!(
        canonical.starts_with("GET\n/a%2520b/c\n\nhost:"),
        "{canonical:?}"
    );
    assert_eq!(
        basic_date(Timestamp::from_micros(NOW * 1_000_000 + 999_999)),
        "20150830T123600Z"
    );
}

#[test]
fn debug_shows_no_key() {
    let signer = signer("ses").session_token("hunter2".into());
    let shown = format!("{signer:?}");
    assert_eq!(
        shown,
        r#"Signer { region: "us-east-1", service: "ses", .. }"#
    );
}
