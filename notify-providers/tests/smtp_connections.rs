//! The connections of the SMTP provider: how many there are, how long they are used, what happens when one is gone, and that a call
//! which is dropped or cut off leaves nothing of its mail to the next.

#![cfg(feature = "smtp")]

mod support;

use notify_core::channel::EmailMessage;
use notify_core::provider::{Fault, Provider as _};
use notify_providers::smtp::{SmtpBuilder, SmtpProvider, SmtpSecurity};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use support::mail::Part;
use support::server::{Act, Command, Options, Server};
use support::{StillClock, envelope, mail_envelope};
use tokio::sync::Semaphore;

fn builder(server: &Server) -> SmtpBuilder {
    SmtpProvider::builder(
        "127.0.0.1",
        "Example <news@example.com>".parse().expect("a mailbox"),
    )
    .port(server.port())
    .security(SmtpSecurity::None)
}
fn provider(server: &Server) -> SmtpProvider {
    builder(server).build().expect("builds")
}
/// A server that answers one verb in its own way, once or always.
async fn server_that(verb: &'static str, act: Act) -> Server {
    Options::new()
        .script(move |command| (command.verb == verb).then(|| act.clone()))
        .start()
        .await
}
fn reply(text: &str) -> Act {
    Act::Reply(text.to_owned())
}
/// Goal: a call that is dropped at any point leaves no trace in the mails of others.
/// Method: drop the first call after 1, 2, 3 … polls until it runs to its end; each time send a
/// second mail, and look at all that arrived.
#[tokio::test]
async fn a_dropped_call_never_ends_up_in_another_mail() {
    let server = Options::new().start().await;
    let provider = provider(&server);
    let mut finished = false;
    for polls in 1..1_000 {
        let (dropped, next) = (format!("dropped-{polls}"), format!("next-{polls}"));
        let result = poll_at_most(
            polls,
            provider.send(&envelope(&dropped, "dropped@example.org")),
        )
        .await;
        provider
            .send(&envelope(&next, "next@example.org"))
            .await
            .expect("the next mail is sent");
        if result.is_some() {
            finished = true;
            break;
        }
    }
    assert!(finished, "the call came to its end");
    let mails = server.mails();
    assert!(
        mails
            .iter()
            .filter(|mail| mail.to == ["next@example.org"])
            .count()
            >= 3
    );
    for mail in &mails {
        let part = Part::parse(&mail.data);
        let key = part
            .raw("Message-ID")
            .expect("present")
            .trim_matches(['<', '>'])
            .split('@')
            .next()
            .expect("a key")
            .to_owned();
        assert_eq!(part.text().trim_end(), format!("The text of {key}."));
        assert_eq!(
            mail.to,
            [format!(
                "{}@example.org",
                key.split('-').next().expect("a name")
            )]
        );
    }
}
/// Polls `future` at most so often, and drops it then. Each poll but the first comes when it asked
/// for it.
async fn poll_at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut left = polls;
    let mut future = pin!(future);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            left -= 1;
            if left == 0 {
                Poll::Ready(None)
            } else {
                Poll::Pending
            }
        }
    })
    .await
}
#[tokio::test]
async fn a_large_mail_cut_off_before_its_last_piece_is_a_definite_failure() {
    let script = |command: &Command<'_>| {
        (command.verb == "DATA" && command.nth == 0)
            .then_some(Act::ReplyAndStall("354 go ahead".to_owned()))
    };
    let server = Options::new()
        .extensions(&["PIPELINING"])
        .script(script)
        .start()
        .await;
    let provider = provider(&server);
    let mut large = mail_envelope(
        "large",
        "ada@example.org",
        EmailMessage::new("s", "0123456789\n".repeat(1_500_000)),
    );
    large.timeout = Duration::from_millis(500);
    assert_eq!(
        provider.send(&large).await.expect_err("cut off"),
        Fault::provider("timeout")
    );
    assert!(
        large.progress.nothing_written(),
        "the final dot was not begun"
    );
    provider
        .send(&envelope("small", "bob@example.org"))
        .await
        .expect("sent");
    let mails = server.mails();
    assert_eq!(
        (mails.len(), mails[0].to[0].as_str()),
        (1, "bob@example.org")
    );
}
#[tokio::test]
async fn connections_are_used_again_up_to_their_number_of_mails() {
    let server = Options::new().start().await;
    let provider = builder(&server)
        .max_mails_per_connection(3.try_into().expect("not zero"))
        .build()
        .expect("builds");
    for n in 0..7 {
        provider
            .send(&envelope(&n.to_string(), "ada@example.org"))
            .await
            .expect("sent");
    }
    assert_eq!((server.mails().len(), server.connections()), (7, 3));
    assert_eq!(
        server.lines().iter().filter(|line| *line == "QUIT").count(),
        2,
        "{:?}",
        server.lines()
    );
}
#[test]
fn a_provider_may_outlive_its_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let provider = runtime.block_on(async {
        let server = Options::new().start().await;
        let provider = provider(&server);
        provider
            .send(&envelope("k", "ada@example.org"))
            .await
            .expect("sent");
        provider
    });
    drop(runtime);
    drop(provider);
}
#[tokio::test]
async fn a_connection_that_waited_too_long_is_not_used_again() {
    let server = Options::new().start().await;
    let clock = Arc::new(StillClock::default());
    let shared: Arc<StillClock> = Arc::clone(&clock);
    let provider = builder(&server)
        .clock(shared)
        .max_idle(Duration::from_secs(60))
        .build()
        .expect("builds");
    for (wait, connections) in [(0, 1), (59, 1), (60, 2), (61, 3)] {
        clock.advance(Duration::from_secs(wait));
        provider
            .send(&envelope(&wait.to_string(), "ada@example.org"))
            .await
            .expect("sent");
        assert_eq!(server.connections(), connections, "after {wait} s");
    }
}
#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced_without_a_failure() {
    let closers = [
        ("BODY", Act::ReplyAndClose("250 2.0.0 queued".to_owned()), 0),
        (
            "BODY",
            Act::ReplyAndClose("250 2.0.0 queued\r\n421 4.4.2 timeout".to_owned()),
            0,
        ),
        ("MAIL", Act::Close, 1),
        (
            "MAIL",
            Act::ReplyAndClose("421 4.4.2 timeout".to_owned()),
            1,
        ),
        ("RCPT", Act::Close, 1),
        ("DATA", Act::Close, 1),
    ];
    for extensions in [vec!["PIPELINING"], vec![]] {
        for (verb, act, nth) in &closers {
            let (verb, act, nth) = (*verb, act.clone(), *nth);
            let name = format!("{verb} {act:?} {extensions:?}");
            let script = move |command: &Command<'_>| {
                (command.verb == verb && command.nth == nth).then(|| act.clone())
            };
            let server = Options::new()
                .extensions(&extensions)
                .script(script)
                .start()
                .await;
            let provider = provider(&server);
            for n in 0..3 {
                provider
                    .send(&envelope(&n.to_string(), "ada@example.org"))
                    .await
                    .unwrap_or_else(|fault| panic!("{fault}: {name}"));
            }
            assert_eq!(
                (server.mails().len(), server.connections()),
                (3, 2),
                "{name}"
            );
        }
    }
}
#[tokio::test]
async fn a_server_that_closes_the_replacement_too_is_a_failure() {
    let script =
        |command: &Command<'_>| (command.verb == "MAIL" && command.nth > 0).then_some(Act::Close);
    let server = Options::new().script(script).start().await;
    let provider = provider(&server);
    provider
        .send(&envelope("1", "ada@example.org"))
        .await
        .expect("sent");
    assert_eq!(
        provider
            .send(&envelope("2", "ada@example.org"))
            .await
            .expect_err("lost"),
        Fault::provider("connection_lost")
    );
    assert_eq!(server.connections(), 2);
}
#[tokio::test]
async fn words_that_nobody_asked_for_end_a_connection() {
    let server = server_that("BODY", reply("250 2.0.0 queued\r\n250 2.0.0 and again")).await;
    let provider = provider(&server);
    for n in 0..3 {
        provider
            .send(&envelope(&n.to_string(), "ada@example.org"))
            .await
            .expect("sent");
    }
    assert_eq!((server.mails().len(), server.connections()), (3, 3));
}
/// What is said while a connection waits must not be read as the answer to the next command.
#[tokio::test]
async fn words_that_came_while_a_connection_waited_end_it() {
    let (gate, done) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let act = Act::ReplyAndLater(
        "250 2.0.0 queued\r\n".to_owned(),
        "250 2.0.0 surprise\r\n".to_owned(),
        Arc::clone(&gate),
        Arc::clone(&done),
    );
    let script = move |command: &Command<'_>| {
        (command.verb == "BODY" && command.nth == 0).then(|| act.clone())
    };
    let server = Options::new().script(script).start().await;
    let provider = provider(&server);
    provider
        .send(&envelope("1", "ada@example.org"))
        .await
        .expect("sent");
    gate.add_permits(1);
    done.acquire().await.expect("not closed").forget();
    // The bytes are on their way through the kernel; the runtime hears of them when it next looks.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    provider
        .send(&envelope("2", "ada@example.org"))
        .await
        .expect("sent");
    assert_eq!((server.mails().len(), server.connections()), (2, 2));
}

#[tokio::test]
async fn no_more_connections_are_opened_than_allowed() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let script =
        move |command: &Command<'_>| (command.verb == "BODY").then(|| Act::Wait(Arc::clone(&held)));
    let server = Options::new().script(script).start().await;
    let provider = Arc::new(
        builder(&server)
            .max_connections(3.try_into().expect("not zero"))
            .build()
            .expect("builds"),
    );
    assert_eq!(provider.capabilities().concurrency(), 3);
    let mut sends = tokio::task::JoinSet::new();
    for n in 0..20 {
        let provider = Arc::clone(&provider);
        sends.spawn(async move {
            provider
                .send(&envelope(&n.to_string(), "ada@example.org"))
                .await
        });
    }
    for _ in 0..20 {
        gate.add_permits(1);
        sends
            .join_next()
            .await
            .expect("one more")
            .expect("no panic")
            .expect("sent");
    }
    assert_eq!(
        (server.mails().len(), server.peak(), server.connections()),
        (20, 3, 3)
    );
}
