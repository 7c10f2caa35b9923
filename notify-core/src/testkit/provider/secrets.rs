//! What must not be printed.

use super::{Answer, ProviderHarness, World};

pub(super) async fn a_fault_holds_no_address_and_no_secret(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    for answer in Answer::FAILURES {
        let Some((envelope, fault)) = world.failed(answer).await else {
            continue;
        };
        let code = fault.code();
        assert!(
            (1..=64).contains(&code.chars().count()),
            "{answer:?}: a few words: {code:?}"
        );
        let fine = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
        assert!(
            code.chars().all(fine),
            "{answer:?}: a code and no sentence: {code:?}"
        );
        let json = serde_json::to_string(&fault).expect("a fault is data");
        let printed = format!("{fault} {fault:?} {json}");
        let mut hidden = harness.secrets();
        // As it is, and as a code would be cleaned.
        let address = envelope.address.expose();
        hidden.push(address.to_owned());
        hidden.push(
            address
                .chars()
                .map(|c| if fine(c) { c } else { '_' })
                .collect(),
        );
        assert_hidden(&printed, &hidden);
    }
}

pub(super) async fn debug_shows_no_secret_and_no_address(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let mut hidden = harness.secrets();
    let before = format!(
        "{0:?} {0:#?} {1:?}",
        world.provider,
        world.provider.capabilities()
    );
    assert_hidden(&before, &hidden);
    hidden.push(world.accepted().await.0.address.expose().to_owned());
    for answer in Answer::FAILURES {
        if let Some((envelope, _)) = world.failed(answer).await {
            hidden.push(envelope.address.expose().to_owned());
        }
    }
    assert_hidden(&format!("{0:?} {0:#?}", world.provider), &hidden);
}

/// The text itself is not printed either: it may hold what was found.
fn assert_hidden(printed: &str, hidden: &[String]) {
    for (no, secret) in hidden.iter().enumerate() {
        assert!(secret.len() > 3, "secret {no} is too short to look for");
        assert!(
            !printed.contains(secret.as_str()),
            "secret or address {no} is printed"
        );
    }
}
