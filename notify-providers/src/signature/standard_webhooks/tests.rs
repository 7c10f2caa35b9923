//! Published webhooks, and webhooks that must not pass.

use proptest::prelude::*;

use super::super::tests::at;
use super::*;

/// The test of the specification's Rust library.
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
const SENT: i64 = 1_649_367_553;
const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
/// Any other.
const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

fn webhooks(secret: &str) -> StandardWebhooks {
    StandardWebhooks::new(secret).expect("a secret")
}

fn headers<'a>(
    prefix: &'a str,
    id: &'a str,
    at: &'a str,
    signature: &'a str,
) -> impl Fn(&str) -> Option<&'a str> {
    move |name| match name.strip_prefix(prefix)? {
        "-id" => Some(id),
        "-timestamp" => Some(at),
        "-signature" => Some(signature),
        _ => None,
    }
}

/// What is made of the published webhook with this header.
fn verdict(webhooks: &StandardWebhooks, signature: &str) -> Result<(), Refused> {
    webhooks.check(
        headers("webhook", ID, "1649367553", signature),
        BODY,
        at(SENT),
    )
}

#[test]
fn the_published_webhook_is_signed_and_verified() {
    let signed = webhooks(SECRET).sign(ID, BODY, at(SENT)).expect("signs");
    let expected = [
        ("webhook-id", ID.to_owned()),
        ("webhook-timestamp", "1649367553".to_owned()),
        ("webhook-signature", SIGNATURE.to_owned()),
    ];
    assert_eq!(signed, expected);
    assert_eq!(verdict(&webhooks(SECRET), SIGNATURE), Ok(()));
    let bare = SECRET.strip_prefix(PREFIX).expect("a prefix");
    assert_eq!(verdict(&webhooks(bare), SIGNATURE), Ok(()));
}

#[test]
fn the_documented_webhook_of_svix_passes_under_either_name() {
    // Svix, "Verifying payloads manually".
    let webhooks = webhooks("whsec_plJ3nmyCDGBKInavdOK15jsl");
    let signature = "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=";
    let body = br#"{"event_type":"ping","data":{"success":true}}"#;
    for prefix in ["svix", "webhook"] {
        let headers = headers(prefix, "msg_loFOjxBNrRLzqYUf", "1731705121", signature);
        assert_eq!(webhooks.check(headers, body, at(1_731_705_121)), Ok(()));
    }
}

#[test]
fn anything_that_was_changed_is_refused() {
    let ours = webhooks(SECRET);
    let check = |id, sent, signature, body: &[u8]| {
        ours.check(headers("webhook", id, sent, signature), body, at(SENT))
    };
    let refused = Err(Refused::Mismatch);
    assert_eq!(check("msg_other", "1649367553", SIGNATURE, BODY), refused);
    assert_eq!(check(ID, "1649367554", SIGNATURE, BODY), refused);
    assert_eq!(check(ID, "1649367553", SIGNATURE, b"{}"), refused);
    assert_eq!(verdict(&webhooks(OTHER), SIGNATURE), refused);
    for signature in [
        "",
        "v1,",
        &SIGNATURE[3..],
        &SIGNATURE.replace("v1", "v1a"),
        "v1,!",
    ] {
        assert_eq!(verdict(&ours, signature), refused, "{signature}");
    }
}

#[test]
fn a_webhook_without_one_of_its_headers_is_refused_by_its_name() {
    for missing in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let all = headers("webhook", ID, "1649367553", SIGNATURE);
        let some = |name: &str| all(name).filter(|_| name != missing);
        let verdict = webhooks(SECRET).check(some, BODY, at(SENT));
        assert_eq!(verdict, Err(Refused::Missing(missing)));
    }
}

#[test]
fn five_minutes_are_tolerated_in_both_directions_unless_set() {
    let verdict = |webhooks: &StandardWebhooks, now| {
        webhooks.check(
            headers("webhook", ID, "1649367553", SIGNATURE),
            BODY,
            at(now),
        )
    };
    let webhooks = webhooks(SECRET);
    assert_eq!(verdict(&webhooks, SENT + 300), Ok(()));
    assert_eq!(verdict(&webhooks, SENT + 301), Err(Refused::Expired));
    assert_eq!(verdict(&webhooks, SENT - 301), Err(Refused::Early));
    let webhooks = webhooks.tolerance(Duration::from_secs(10));
    assert_eq!(verdict(&webhooks, SENT + 11), Err(Refused::Expired));
}

#[test]
fn a_secret_is_replaced_without_a_gap() {
    let both = webhooks(OTHER).and(SECRET).expect("a secret");
    let signed = both.sign(ID, BODY, at(SENT)).expect("signs");
    let header = &signed[2].1;
    assert!(header.ends_with(&format!(" {SIGNATURE}")), "{header}");
    // Whoever has only one of the two verifies what both have signed,
    assert_eq!(verdict(&webhooks(SECRET), header), Ok(()));
    assert_eq!(verdict(&webhooks(OTHER), header), Ok(()));
    // and whoever has both verifies what one has signed, beside versions that are not known.
    assert_eq!(verdict(&both, SIGNATURE), Ok(()));
    let beside = format!("v1a,AAAA v2,AAAA {SIGNATURE}");
    assert_eq!(verdict(&both, &beside), Ok(()));
}

#[test]
fn only_so_many_signatures_are_looked_at() {
    let many = "v1,AAAA ".repeat(MAX_SIGNATURES) + SIGNATURE;
    assert_eq!(verdict(&webhooks(SECRET), &many), Err(Refused::Mismatch));
    assert_eq!(
        verdict(&webhooks(SECRET), &many["v1,AAAA ".len()..]),
        Ok(())
    );
}

#[test]
fn an_id_that_could_be_read_in_two_ways_is_not_signed() {
    for id in ["", "a.b", "a b", "a\r\nb", "é"] {
        let error = webhooks(SECRET).sign(id, BODY, at(SENT)).expect_err(id);
        assert_eq!(error.field_name(), Some("webhook-id"));
    }
}

#[test]
fn a_new_secret_is_one_and_is_never_the_same() {
    let secret = || StandardWebhooks::generate_secret().expect("random");
    let (one, other) = (secret(), secret());
    assert!(one.expose_secret().starts_with(PREFIX));
    assert_ne!(one.expose_secret(), other.expose_secret());
    assert_eq!(
        read(&one).expect("a secret").expose_secret().len(),
        NEW_SECRET
    );
}

#[test]
fn what_is_no_secret_is_refused_and_never_shown() {
    let short = base64(&[7; 15]);
    let long = base64(&[7; 129]);
    for bad in ["", "whsec_", "hunter2 hunter2 hunter2", &short, &long] {
        let error = StandardWebhooks::new(bad).expect_err(bad);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    let shown = format!("{:?}", webhooks(SECRET));
    assert_eq!(shown, "StandardWebhooks { secrets: 1, tolerance: 300s }");
}

proptest! {
    #[test]
    fn what_is_signed_passes_and_with_one_bit_changed_does_not(
        id in "[a-zA-Z0-9_-]{1,30}",
        body in proptest::collection::vec(any::<u8>(), 1..60),
        bit in any::<proptest::sample::Index>(),
    ) {
        let webhooks = webhooks(SECRET);
        let signed = webhooks.sign(&id, &body, at(SENT)).expect("signs");
        let header = |name: &str| signed.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
        prop_assert_eq!(webhooks.check(header, &body, at(SENT + 1)), Ok(()));
        let mut changed = body.clone();
        let bit = bit.index(body.len() * 8);
        changed[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(webhooks.check(header, &changed, at(SENT)), Err(Refused::Mismatch));
    }
}
