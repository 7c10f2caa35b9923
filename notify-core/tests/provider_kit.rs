//! The kit for providers: the fake keeps the contract, and says in a readable way what it sent.

use async_trait::async_trait;
use notify_core::provider::{Capabilities, Provider};
use notify_core::testkit::provider::ProviderHarness;
use notify_core::testkit::{Answer, FakeProvider, sample};
use notify_core::{Address, ChannelId, Message};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A fake is its own vendor.
struct Fake {
    fake: FakeProvider,
    addresses: AtomicU32,
}

impl Fake {
    fn new(able: Capabilities) -> Self {
        let fake = FakeProvider::new("fake", ChannelId::EMAIL).with_capabilities(able);
        Self {
            fake,
            addresses: AtomicU32::new(0),
        }
    }

    fn plain() -> Self {
        Self::new(Capabilities::for_channel(ChannelId::EMAIL))
    }

    fn able() -> Self {
        let able = Capabilities::for_channel(ChannelId::EMAIL).and_channel(ChannelId::SMS);
        Self::new(
            able.with_batch(50)
                .with_idempotency(Duration::from_secs(60)),
        )
    }
}

#[async_trait]
impl ProviderHarness for Fake {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(self.fake.clone())
    }

    fn message(&self) -> Message {
        sample::email("Hello Ada")
    }

    fn address(&self) -> Address {
        let no = self.addresses.fetch_add(1, Ordering::Relaxed);
        Address::email(format!("person{no}@example.com"))
    }

    async fn script(&self, answer: Answer) {
        self.fake.script([answer]);
    }

    async fn asked(&self) -> usize {
        self.fake.calls().len()
    }

    async fn taken(&self) -> Vec<String> {
        self.fake
            .sent()
            .iter()
            .map(|call| call.to().to_owned())
            .collect()
    }

    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }
}

mod plain {
    use super::*;

    notify_core::provider_tests!(Fake::plain());
}

mod able {
    use super::*;

    notify_core::provider_tests!(Fake::able());
}

mod fake {
    //! What the fake does besides keeping the contract.

    use super::*;
    use notify_core::CategoryId;
    use notify_core::channel::InAppMessage;
    use notify_core::clock::Timestamp;
    use notify_core::provider::{Envelope, Fault, FaultKind, Receipt};
    use notify_core::testkit::{Act, ManualClock, assert_sent};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn envelope(key: &str, to: &str, text: &str) -> Envelope {
        let mut envelope = Envelope::new(key, Address::email(to), sample::email(text));
        envelope.category = CategoryId::new("welcome");
        envelope
    }

    async fn send(fake: &FakeProvider, key: &str, to: &str) -> Result<Receipt, Fault> {
        fake.send(&envelope(key, to, "Hello")).await
    }

    fn email() -> FakeProvider {
        FakeProvider::new("fake", ChannelId::EMAIL)
    }

    fn panic_of(check: impl FnOnce()) -> String {
        let panic = catch_unwind(AssertUnwindSafe(check)).expect_err("the assertion fails");
        panic.downcast_ref::<String>().expect("a message").clone()
    }

    #[tokio::test]
    async fn scripts_for_an_address_go_before_the_others() {
        let fake = email();
        fake.script([Answer::Outage]);
        fake.script_for("ada@example.com", [Answer::RejectRecipient, Answer::Accept]);
        let kind =
            |result: Result<Receipt, Fault>| result.map_err(|fault| fault.kind().as_str()).err();
        assert_eq!(
            kind(send(&fake, "1", "ada@example.com").await),
            Some("recipient")
        );
        assert_eq!(
            kind(send(&fake, "2", "bob@example.com").await),
            Some("provider")
        );
        assert_eq!(kind(send(&fake, "3", "ada@example.com").await), None);
        fake.set_otherwise(Act::Fault(Fault::config("suspended")));
        assert_eq!(
            kind(send(&fake, "4", "ada@example.com").await),
            Some("config")
        );
        assert_eq!((fake.calls().len(), fake.sent().len()), (4, 1));
    }

    #[tokio::test]
    async fn a_key_is_forgotten_after_its_life() {
        let clock = ManualClock::new(Timestamp::EPOCH);
        let able =
            Capabilities::for_channel(ChannelId::EMAIL).with_idempotency(Duration::from_secs(60));
        let fake = email()
            .with_capabilities(able)
            .with_clock(Arc::<ManualClock>::clone(&clock));
        let receipt = Receipt::with_message_id("own");
        fake.script([Act::Receipt(receipt.clone())]);
        assert_eq!(
            send(&fake, "1", "ada@example.com").await,
            Ok(receipt.clone())
        );
        clock.advance(Duration::from_secs(59));
        assert_eq!(
            send(&fake, "1", "ada@example.com").await,
            Ok(receipt.clone())
        );
        clock.advance(Duration::from_secs(1));
        assert_ne!(send(&fake, "1", "ada@example.com").await, Ok(receipt));
        assert_eq!((fake.calls().len(), fake.sent().len()), (3, 2));
    }

    #[tokio::test]
    async fn calls_wait_while_they_are_held_and_are_seen_under_way() {
        let fake = email();
        fake.hold();
        let call = {
            let fake = fake.clone();
            tokio::spawn(async move { send(&fake, "1", "ada@example.com").await })
        };
        fake.wait_for_calls(1).await;
        assert!(fake.sent().is_empty());
        let under_way = &fake.calls()[0];
        assert!(under_way.envelope.progress.nothing_written() && under_way.result.is_none());
        fake.release();
        call.await.expect("ends").expect("is taken");
        assert_eq!((fake.under_way(), fake.sent().len()), (0, 1));
    }

    #[tokio::test]
    async fn latency_and_hanging_go_by_the_clock() {
        let clock = ManualClock::new(Timestamp::EPOCH);
        let fake = email()
            .with_clock(Arc::<ManualClock>::clone(&clock))
            .with_latency(Duration::from_secs(3));
        fake.script([Answer::Accept, Answer::Hang]);
        for (seconds, kind) in [(3, None), (10, Some(FaultKind::Unknown))] {
            let call = {
                let fake = fake.clone();
                tokio::spawn(async move { send(&fake, "1", "ada@example.com").await })
            };
            clock.sleepers(1).await;
            clock.advance(Duration::from_secs(seconds) - Duration::from_micros(1));
            tokio::task::yield_now().await;
            assert!(!call.is_finished());
            clock.advance(Duration::from_micros(1));
            assert_eq!(
                call.await.expect("ends").err().map(|fault| fault.kind()),
                kind
            );
        }
    }

    #[tokio::test]
    async fn it_can_break_the_contract_when_told() {
        let fake = email();
        fake.script([Act::Stuck { written: false }, Act::Stuck { written: true }]);
        for written in [false, true] {
            let stuck =
                tokio::time::timeout(Duration::from_millis(20), send(&fake, "1", "a@example.com"));
            assert!(stuck.await.is_err());
            let call = fake.calls().pop().expect("a call");
            assert_eq!(call.envelope.progress.nothing_written(), !written);
        }
        fake.cut_batches_to(1);
        let batch = ["1", "2", "3"].map(|key| envelope(key, "a@example.com", "Hello"));
        assert_eq!(fake.send_batch(&batch).await.len(), 1);
        assert_eq!((fake.batches(), fake.sent().len()), (vec![3], 3));
        fake.script([Act::Panic]);
        let panicked = {
            let fake = fake.clone();
            tokio::spawn(async move { send(&fake, "1", "a@example.com").await })
        };
        assert!(panicked.await.expect_err("panics").is_panic());
        assert_eq!(fake.under_way(), 0);
        fake.forget();
        assert!(fake.calls().is_empty() && fake.batches().is_empty());
    }

    #[tokio::test]
    async fn assertions_find_what_was_sent() {
        let fake = email();
        for (key, to, text) in [
            ("1", "ada@example.com", "Hello \"Ada\""),
            ("2", "bob@example.com", "Bye"),
        ] {
            fake.send(&envelope(key, to, text)).await.expect("is taken");
        }
        fake.script([Answer::Outage]);
        let _ = send(&fake, "3", "eve@example.com").await;
        let call = assert_sent(&fake)
            .to("ada@example.com")
            .on("email")
            .containing("\"Ada\"")
            .once();
        assert_eq!(&*call.envelope.key, "1");
        assert_eq!(
            assert_sent(&fake).of("welcome").times(2)[1].to(),
            "bob@example.com"
        );
        assert_sent(&fake).at_least(2);
        assert_sent(&fake).to("eve@example.com").never();
        assert_sent(&fake)
            .that("under key 2", |call| &*call.envelope.key == "2")
            .once();

        let inbox = FakeProvider::new("inbox", ChannelId::IN_APP);
        let message = Message::new(InAppMessage::new("Order A-17", "is on its way"));
        inbox
            .send(&Envelope::new("1", Address::inbox("user-42"), message))
            .await
            .expect("is taken");
        assert_sent(&inbox)
            .to("user-42")
            .on(ChannelId::IN_APP)
            .once();
    }

    #[tokio::test]
    async fn a_failed_assertion_says_what_was_sent_instead() {
        let fake = email();
        fake.send(&envelope("1", "ada@example.com", "Hello"))
            .await
            .expect("is taken");
        fake.send(&envelope("2", "bob@example.com", "Bye"))
            .await
            .expect("is taken");
        let text = panic_of(|| {
            drop(
                assert_sent(&fake)
                    .to("ada@example.com")
                    .containing("Bye")
                    .once(),
            )
        });
        let expected = [
            "expected 1 message to \"ada@example.com\" containing \"Bye\", found 0; sent in all: 2",
            "  1. email to \"ada@example.com\", welcome: \"Order A-17 | Hello\" (not containing \"Bye\")",
            "  2. email to \"bob@example.com\", welcome: \"Order A-17 | Bye\" (not to \"ada@example.com\")",
        ];
        let mut lines = text.lines().map(str::to_owned).collect::<Vec<_>>();
        for line in &mut lines[1..] {
            // The order of a message's texts is not promised.
            *line = line.replace("Hello | Order A-17", "Order A-17 | Hello");
            *line = line.replace("Bye | Order A-17", "Order A-17 | Bye");
        }
        assert_eq!(lines, expected);
        let text = panic_of(|| assert_sent(&fake).on("email").never());
        assert!(
            text.starts_with("expected no message on email, found 2; sent in all: 2"),
            "{text}"
        );
        assert!(text.contains("(fits)"), "{text}");
    }
}
