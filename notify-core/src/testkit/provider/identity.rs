//! What a provider says of itself.

use super::{Answer, ProviderHarness, World};

pub(super) async fn name_and_capabilities_make_sense(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let name = world.provider.name().as_str();
    assert!(
        (1..=100).contains(&name.chars().count()),
        "a name has 1 to 100 characters: {name:?}"
    );
    assert!(
        !name.contains(char::is_control),
        "a name is printed: {name:?}"
    );
    let able = world.provider.capabilities();
    assert!(!able.channels().is_empty(), "it serves no channel");
    assert!(able.batch_max() > 0 && able.concurrency() > 0, "{able:?}");
}

pub(super) async fn name_and_capabilities_never_change(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let picture = || {
        format!(
            "{} {:?}",
            world.provider.name(),
            world.provider.capabilities()
        )
    };
    let before = picture();
    world.accepted().await;
    for answer in Answer::FAILURES {
        world.failed(answer).await;
        assert_eq!(picture(), before, "after {answer:?}");
    }
}

pub(super) async fn it_serves_the_channel_of_its_messages(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let message = harness.message();
    assert!(
        world.provider.capabilities().serves(message.channel()),
        "{message:?}"
    );
}

pub(super) async fn equal_messages_have_equal_batch_keys(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let message = harness.message();
    let key = world.provider.batch_key(&message);
    world.accepted().await;
    assert_eq!(world.provider.batch_key(&message.clone()), key);
}
