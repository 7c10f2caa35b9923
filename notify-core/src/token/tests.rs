//! Tokens say what they said, to those who have the keys, until their time is over.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

fn key(no: u8) -> TokenKey {
    TokenKey::new(no, &[no; 32]).expect("long enough")
}

fn keys() -> TokenKeys {
    TokenKeys::new(key(1))
}

fn delivery() -> DeliveryId {
    DeliveryId::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)
}

fn token(grant: Grant) -> Token {
    Token::new("acme".into(), grant, NOW).expires_after(HOUR)
}

fn grants() -> [Grant; 7] {
    let (recipient, category): (RecipientId, CategoryId) = ("ada".into(), "news".into());
    [
        Grant::Unsubscribe {
            recipient: recipient.clone(),
            category: category.clone(),
            delivery: delivery(),
        },
        Grant::Preferences {
            recipient: recipient.clone(),
        },
        Grant::Confirm {
            recipient,
            category,
            source: "form".to_owned(),
            wording: "Ja, ich möchte".to_owned(),
        },
        Grant::Open {
            delivery: delivery(),
        },
        Grant::Click {
            delivery: delivery(),
            url: "https://shop.example.com/?a=1&b=2".to_owned(),
        },
        Grant::Action {
            delivery: delivery(),
            action: "accept".to_owned(),
        },
        Grant::Report {
            delivery: delivery(),
        },
    ]
}

#[test]
fn every_kind_reads_back_until_it_expires() {
    for grant in grants() {
        let token = token(grant);
        let text = keys().sign(&token);
        let last = NOW + HOUR - Duration::from_micros(1);
        assert_eq!(keys().verify(&text, last), Ok(token.clone()));
        assert_eq!(keys().verify(&text, NOW + HOUR), Err(TokenError::Expired));
        assert_eq!(keys().sign(&token), text, "the same token, the same text");
    }
}

#[test]
fn a_token_without_an_end_does_not_expire() {
    let token = Token::new(TenantId::default(), grants()[3].clone(), NOW);
    let text = keys().sign(&token);
    assert_eq!(keys().verify(&text, NOW + HOUR * 24 * 3_650), Ok(token));
}

#[test]
fn a_retired_key_still_verifies_and_a_forgotten_one_does_not() {
    let old = keys().sign(&token(grants()[0].clone()));
    let rotated = TokenKeys::new(key(2)).with_retired(key(1));
    assert!(rotated.verify(&old, NOW).is_ok());
    let new = rotated.sign(&token(grants()[0].clone()));
    assert_ne!(new, old);
    assert_eq!(keys().verify(&new, NOW), Err(TokenError::Forged));
    let forgotten = TokenKeys::new(key(2));
    assert_eq!(forgotten.verify(&old, NOW), Err(TokenError::Forged));
}

#[test]
fn a_key_under_a_number_that_another_had_verifies_nothing_of_it() {
    let text = keys().sign(&token(grants()[0].clone()));
    let other = TokenKeys::new(TokenKey::new(1, &[9; 32]).expect("long enough"));
    assert_eq!(other.verify(&text, NOW), Err(TokenError::Forged));
}

#[test]
fn any_change_of_any_character_is_refused() {
    for grant in grants() {
        let text = keys().sign(&token(grant));
        for at in 0..text.len() {
            for other in ['A', 'a', '0', '-', '_', '=', '.'] {
                let mut changed: Vec<char> = text.chars().collect();
                if changed[at] == other {
                    continue;
                }
                changed[at] = other;
                let changed: String = changed.into_iter().collect();
                assert_eq!(keys().verify(&changed, NOW), Err(TokenError::Forged));
            }
            assert_eq!(keys().verify(&text[..at], NOW), Err(TokenError::Forged));
        }
        assert!(keys().verify(&format!("{text}A"), NOW).is_err());
    }
}

#[test]
fn short_secrets_are_refused_and_none_is_shown() {
    assert!(TokenKey::new(1, &[7; 31]).is_err());
    let shown = format!("{:?} {:?}", keys(), token(grants()[2].clone()));
    assert!(
        !shown.contains("ada") && !shown.contains("möchte"),
        "{shown}"
    );
}

proptest! {
    #[test]
    fn what_nobody_signed_is_refused(text in "[A-Za-z0-9_-]{0,120}") {
        prop_assert_eq!(keys().verify(&text, NOW), Err(TokenError::Forged));
    }

    #[test]
    fn any_bit_that_is_turned_is_noticed(
        recipient in "\\PC{0,40}",
        category in "[a-z_]{1,20}",
        byte in 0_usize..60,
        bit in 0_u8..8,
    ) {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
        let grant = Grant::Unsubscribe {
            recipient: recipient.into(),
            category: category.into(),
            delivery: delivery(),
        };
        let token = token(grant);
        let text = keys().sign(&token);
        prop_assert_eq!(keys().verify(&text, NOW), Ok(token));
        let mut bytes = BASE64.decode(&text).expect("text of a token");
        let at = byte % bytes.len();
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(keys().verify(&BASE64.encode(bytes), NOW), Err(TokenError::Forged));
    }
}
