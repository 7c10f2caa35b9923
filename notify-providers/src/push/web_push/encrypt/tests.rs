//! The examples of RFC 8291 and RFC 8188 byte by byte, and a receiver that reads what is sent.

use proptest::prelude::*;

use super::*;
use crate::signature::encoding::{base64url, unbase64url};

/// RFC 8291 §5 and appendix A.
const PLAINTEXT: &[u8] = b"When I grow up, I want to be a watermelon";
const SENDER_PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const SENDER_PUBLIC: &str =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
const RECEIVER_PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const RECEIVER_PUBLIC: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const SALT_TEXT: &str = "DGv6ra1nlYgDCS1FRnbzlw";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const BODY: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

fn bytes(text: &str) -> Vec<u8> {
    unbase64url(text).expect("base64url")
}

fn private_key(text: &str) -> PrivateKey {
    PrivateKey::from_private_key(&ECDH_P256, &bytes(text)).expect("a key")
}

fn salt(text: &str) -> [u8; SALT] {
    bytes(text).try_into().expect("16 bytes")
}

fn subscription() -> PushSubscription {
    PushSubscription::new("https://push.example.net/p/1", RECEIVER_PUBLIC, AUTH).expect("RFC 8291")
}

#[test]
fn the_example_of_rfc_8291_comes_out_byte_by_byte() {
    let key = private_key(SENDER_PRIVATE);
    let public = key.compute_public_key().expect("a point");
    assert_eq!(base64url(public.as_ref()), SENDER_PUBLIC);
    let body = seal(
        &subscription(),
        PLAINTEXT,
        Padding::None,
        &key,
        salt(SALT_TEXT),
    );
    let body = body.expect("seals");
    assert_eq!(body.len(), 144);
    assert_eq!(base64url(&body), BODY);
    assert_eq!(open(&body, RECEIVER_PRIVATE), PLAINTEXT);
}

#[test]
fn the_steps_of_rfc_8291_come_out() {
    let peer = UnparsedPublicKey::new(&ECDH_P256, bytes(RECEIVER_PUBLIC));
    let key = private_key(SENDER_PRIVATE);
    let shared = agreement::agree(&key, peer, Unspecified, |shared| Ok(shared.to_vec()));
    let shared = shared.expect("agrees");
    assert_eq!(
        base64url(&shared),
        "kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs"
    );
    let info: &[&[u8]] = &[
        b"WebPush: info\0",
        &bytes(RECEIVER_PUBLIC),
        &bytes(SENDER_PUBLIC),
    ];
    let secret = derive::<32>(&bytes(AUTH), &shared, info).expect("derives");
    assert_eq!(
        base64url(secret.as_slice()),
        "S4lYMb_L0FxCeq0WhDx813KgSYqU26kOyzWUdsXYyrg"
    );
    let derive = |text: &[u8]| derive::<16>(&salt(SALT_TEXT), secret.as_slice(), &[text]);
    let key = derive(b"Content-Encoding: aes128gcm\0").expect("derives");
    assert_eq!(base64url(key.as_slice()), "oIhVW04MRdy2XN9CiKLxTg");
    let nonce = derive(b"Content-Encoding: nonce\0").expect("derives");
    assert_eq!(base64url(&nonce[..12]), "4h_95klXJ5E_qnoN");
}

#[test]
fn the_example_of_rfc_8188_comes_out_byte_by_byte() {
    // RFC 8188 §3.1: no key id.
    let secret = bytes("yqdlZ-tYemfogSmv7Ws5PQ");
    let salt = salt("I1BsxtFttlv3u_Oo94xnmw");
    let body = aes128gcm(&secret, salt, b"", b"I am the walrus", Padding::None).expect("seals");
    let expected = "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg";
    assert_eq!(base64url(&body), expected);
}

#[test]
fn the_longest_payload_fills_4096_bytes_and_one_more_is_refused() {
    assert_eq!(MAX_PAYLOAD, 3_993);
    let longest = vec![b'x'; MAX_PAYLOAD];
    for padding in [Padding::None, Padding::Block(4_096), Padding::Block(1_000)] {
        let body = encrypt(&subscription(), &longest, padding).expect("fits");
        assert_eq!(body.len(), MAX_BODY);
        assert_eq!(open(&body, RECEIVER_PRIVATE), longest);
    }
    let fault = encrypt(&subscription(), &[b'x'; MAX_PAYLOAD + 1], Padding::None);
    assert_eq!(fault, Err(Fault::request("payload_too_large")));
}

#[test]
fn padding_hides_the_length() {
    let length = |text: &str, padding| {
        let body = encrypt(&subscription(), text.as_bytes(), padding).expect("fits");
        assert_eq!(open(&body, RECEIVER_PRIVATE), text.as_bytes());
        body.len()
    };
    assert_eq!(
        length("yes", Padding::Block(128)),
        length("certainly", Padding::Block(128))
    );
    assert_eq!(length("", Padding::Block(128)), length("", Padding::None));
    assert_ne!(
        length("yes", Padding::None),
        length("certainly", Padding::None)
    );
    assert_eq!(
        length("yes", Padding::Block(0)),
        length("yes", Padding::None)
    );
}

#[test]
fn no_two_messages_share_a_key_or_a_salt() {
    let body = || encrypt(&subscription(), b"hello", Padding::None).expect("fits");
    let (one, other) = (body(), body());
    assert_ne!(one[..SALT], other[..SALT]);
    assert_ne!(one[HEADER - POINT..HEADER], other[HEADER - POINT..HEADER]);
}

/// What a browser does (RFC 8188 §2, RFC 8291 §3.4), with the steps of HKDF written out.
fn open(body: &[u8], receiver: &str) -> Vec<u8> {
    use crate::signature::hmac::{Hash, sign};

    let (header, record) = body.split_at(HEADER);
    let sender = &header[HEADER - POINT..];
    assert_eq!(
        header[SALT..HEADER - POINT],
        [0, 0, 16, 0, 65],
        "record size and key length"
    );
    assert!(record.len() <= 4_096, "one record");
    let key = private_key(receiver);
    let public = key.compute_public_key().expect("a point");
    let shared = agreement::agree(
        &key,
        UnparsedPublicKey::new(&ECDH_P256, sender),
        (),
        |shared| Ok(shared.to_vec()),
    );
    let hmac = |key: &[u8], parts: &[&[u8]]| sign(Hash::Sha256, key, parts);
    let prk = hmac(&bytes(AUTH), &[&shared.expect("agrees")]);
    let info: &[&[u8]] = &[b"WebPush: info\0", public.as_ref(), sender, &[1]];
    let ikm = hmac(prk.as_ref(), info);
    let prk = hmac(&header[..SALT], &[ikm.as_ref()]);
    let key = hmac(prk.as_ref(), &[b"Content-Encoding: aes128gcm\0\x01"]);
    let nonce = hmac(prk.as_ref(), &[b"Content-Encoding: nonce\0\x01"]);
    let key = UnboundKey::new(&AES_128_GCM, &key.as_ref()[..16]).expect("16 bytes");
    let nonce = Nonce::try_assume_unique_for_key(&nonce.as_ref()[..12]).expect("12 bytes");
    let mut record = record.to_vec();
    let plain = LessSafeKey::new(key).open_in_place(nonce, Aad::empty(), &mut record);
    let plain = plain.expect("the tag is right");
    let end = plain.iter().rposition(|b| *b != 0).expect("a delimiter");
    assert_eq!(plain[end], 2, "the delimiter of the last record");
    plain[..end].to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_browser_reads_what_was_sent(
        payload in proptest::collection::vec(any::<u8>(), 0..MAX_PAYLOAD),
        block in 0_usize..5_000,
    ) {
        let body = encrypt(&subscription(), &payload, Padding::Block(block)).expect("fits");
        prop_assert!(body.len() <= MAX_BODY);
        prop_assert_eq!(open(&body, RECEIVER_PRIVATE), payload);
    }
}
