//! Texts that other people wrote, with all that means something to one service or another, and what the vendor gets of them.

use crate::suite::{Vendor, envelope_at};
use crate::support::http::{FakeVendor, Request};
use notify_core::Message;
use notify_core::channel::ChatMessage;
use notify_core::provider::Provider;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::sync::Arc;

/// Parts of markup, in any order, with anything in between.
fn texts() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "@everyone",
        "@here",
        "@Everyone",
        "<!channel>",
        "<!everyone|all>",
        "<!subteam^S1>",
        "<@U123>",
        "<@&7>",
        "<#C1|x>",
        "<https://evil.example|bank>",
        "[bank](https://evil.example)",
        "<a href=\"https://evil.example\">",
        "<at>Ada</at>",
        "{{DATE(2026-01-01)}}",
        "&lt;",
        "\\",
        "*",
        "_",
        "`",
        "|",
        "~",
        "\n",
        "\t",
        "    ",
        "> ",
        "# ",
        "1. ",
        "\u{202e}",
        "😀",
        "й",
    ]);
    let part = prop_oneof![4 => parts.prop_map(str::to_owned), 1 => ".{0,8}"];
    let text = prop::collection::vec(part, 1..24).prop_map(|parts| parts.concat());
    text.prop_filter("a text that says something", |text| !text.trim().is_empty())
}

/// Sends many such texts by this vendor's provider, and shows each request to `check`, with its text.
pub fn check_texts<V: Vendor>(check: impl Fn(&str, &Request)) {
    check_texts_by::<V>(|fake| V::provider(fake).expect("builds"), check);
}

/// The same by a provider with other options.
pub fn check_texts_by<V: Vendor>(
    provider: impl Fn(&FakeVendor) -> Arc<dyn Provider>,
    check: impl Fn(&str, &Request),
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let fake = FakeVendor::start(|request| V::accept(request, &["id-1".to_owned()]));
    let provider = provider(&fake);
    let channel = V::message().channel().clone();
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(128)
    });
    let result = runner.run(&texts(), |text| {
        let mut envelope = envelope_at::<V>(&fake, 0);
        let message = Message::new(ChatMessage::new(text.as_str()));
        envelope.message = message.on(channel.clone());
        let sent = runtime.block_on(provider.send(&envelope));
        prop_assert!(sent.is_ok(), "{sent:?}");
        check(&text, &fake.last());
        Ok(())
    });
    result.expect("every text is harmless");
}
