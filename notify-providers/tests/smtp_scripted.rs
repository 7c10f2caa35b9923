//! The SMTP provider against a server that does what each test tells it: what arrives, what every
//! answer means, and that no failure, cut-off or dropped call mixes two mails up.

#![cfg(feature = "smtp")]

mod support;

use notify_core::ChannelId;
use notify_core::channel::{EmailMessage, Mailbox, SmsMessage};
use notify_core::clock::Timestamp;
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, Message};
use notify_providers::smtp::{SmtpBuilder, SmtpProvider, SmtpSecurity};
use std::time::Duration;
use support::mail::Part;
use support::server::{Act, Command, Options, Server};
use support::{envelope, mail_envelope};

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

async fn fault_of(server: &Server, envelope: &Envelope) -> Fault {
    provider(server).send(envelope).await.expect_err("refused")
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let server = Options::new().start().await;
    let text = ".\n..\nПривет, мир 🚀\n.\r\nFrom the end\n.";
    let envelope = mail_envelope(
        "key-1",
        "ada@example.org",
        EmailMessage::new("Тема 🚀", text),
    );
    let receipt = provider(&server).send(&envelope).await.expect("sent");
    assert_eq!(receipt.message_id.as_deref(), Some("key-1@example.com"));
    assert!(!envelope.progress.nothing_written());

    let mails = server.mails();
    assert_eq!(
        (mails[0].from.as_str(), mails[0].to.as_slice()),
        (
            "news@example.com",
            ["ada@example.org".to_owned()].as_slice()
        )
    );
    let mail = Part::parse(&mails[0].data);
    assert_eq!(mail.header("Subject").as_deref(), Some("Тема 🚀"));
    assert_eq!(mail.raw("Message-ID"), Some("<key-1@example.com>"));
    assert_eq!(mail.text().trim_end(), text.replace("\r\n", "\n"));
}

#[tokio::test]
async fn dots_of_an_unencoded_body_are_not_taken_for_the_end() {
    let server = Options::new().start().await;
    let text = ".\n..\nplain\n.\n";
    provider(&server)
        .send(&mail_envelope(
            "k",
            "ada@example.org",
            EmailMessage::new("s", text),
        ))
        .await
        .expect("sent");
    let mail = Part::parse(&server.mails()[0].data);
    assert_eq!(mail.raw("Content-Transfer-Encoding"), Some("7bit"));
    assert_eq!(mail.text().trim_end_matches('\n'), ".\n..\nplain\n.");
}

/// Which command is refused, how, and what that means.
const REFUSALS: &[(&str, &str, &str)] = &[
    ("GREETING", "421 busy", "provider fault 421"),
    ("GREETING", "554 no service", "config fault 554"),
    ("EHLO", "502 what", "config fault 502"),
    ("MAIL", "451 4.3.0 later", "provider fault 4.3.0"),
    ("MAIL", "530 5.7.0 authenticate first", "config fault 5.7.0"),
    ("MAIL", "553 not your address", "config fault 553"),
    // Nobody has named the recipient yet: it is the sender who is unknown.
    ("MAIL", "550 5.1.1 user unknown", "config fault 5.1.1"),
    ("MAIL", "550 sender does not exist", "config fault 550"),
    (
        "RCPT",
        "550 sender verify failed: no such user",
        "request fault 550",
    ),
    ("RCPT", "550 5.1.1 no such user", "recipient fault 5.1.1"),
    (
        "RCPT",
        "550-5.1.1 no such\r\n550 5.1.1 user",
        "recipient fault 5.1.1",
    ),
    ("RCPT", "452 4.2.2 mailbox full", "provider fault 4.2.2"),
    ("RCPT", "552 5.2.2 mailbox full", "provider fault 5.2.2"),
    ("RCPT", "550 5.7.1 not today", "request fault 5.7.1"),
    ("DATA", "451 4.3.0 later", "provider fault 4.3.0"),
    (
        "DATA",
        "554 5.5.1 no valid recipients",
        "request fault 5.5.1",
    ),
    ("BODY", "451 4.7.1 greylisted", "provider fault 4.7.1"),
    ("BODY", "552 5.3.4 too big", "request fault 5.3.4"),
    ("BODY", "550 5.7.26 unauthenticated", "request fault 5.7.26"),
    ("BODY", "554 rejected", "request fault 554"),
    ("MAIL", "421 4.3.2 closing", "provider fault 4.3.2"),
    ("RCPT", "421 4.3.2 closing", "provider fault 4.3.2"),
    ("DATA", "421 4.3.2 closing", "provider fault 4.3.2"),
    ("BODY", "421 4.3.2 closing", "provider fault 4.3.2"),
];

/// Each refusal at each step, with and without pipelining; the connection stays in use wherever the
/// server stays.
#[tokio::test]
async fn every_refusal_is_the_fault_of_the_one_who_can_mend_it() {
    for extensions in [vec!["PIPELINING"], vec![]] {
        for &(verb, text, expected) in REFUSALS {
            let pipelining = !extensions.is_empty();
            let script = move |command: &Command<'_>| match command.verb {
                "MAIL" | "RCPT" if command.more != pipelining => {
                    Some(reply("500 5.5.0 out of step"))
                }
                // As a server does: after a refusal there is nothing to write a mail for.
                "DATA" if matches!(verb, "MAIL" | "RCPT") && command.nth == 0 && pipelining => {
                    Some(reply("503 5.5.1 no recipient"))
                }
                other => (other == verb && command.nth == 0).then(|| reply(text)),
            };
            let server = Options::new()
                .extensions(&extensions)
                .script(script)
                .start()
                .await;
            let provider = provider(&server);
            let fault = provider
                .send(&envelope("first", "ada@example.org"))
                .await
                .expect_err(text);
            assert_eq!(fault.to_string(), expected, "{verb} {text} {extensions:?}");

            provider
                .send(&envelope("second", "bob@example.org"))
                .await
                .expect("the next mail is sent");
            let mails = server.mails();
            assert_eq!(mails.len(), 1, "{verb} {text} {extensions:?}");
            assert_eq!(mails[0].to, ["bob@example.org"]);
            assert!(Part::parse(&mails[0].data).text().contains("second"));
            let leaves = matches!(verb, "GREETING" | "EHLO") || text.starts_with("421");
            let connections = if leaves { 2 } else { 1 };
            assert_eq!(
                server.connections(),
                connections,
                "{verb} {text} {extensions:?}"
            );
        }
    }
}

#[tokio::test]
async fn sender_recipient_and_data_go_in_one_round_trip() {
    let script =
        |command: &Command<'_>| matches!(command.verb, "MAIL" | "RCPT").then_some(Act::Defer);
    let server = Options::new().script(script).start().await;
    provider(&server)
        .send(&envelope("k", "ada@example.org"))
        .await
        .expect("the server waits for DATA before it answers MAIL");
}

#[tokio::test]
async fn a_server_that_waits_for_a_mail_to_nobody_gets_an_empty_one() {
    // RFC 2920 §3.1: the recipient is refused, and DATA is granted all the same.
    let script = |command: &Command<'_>| {
        (command.verb == "RCPT" && command.nth == 0).then(|| reply("550 5.1.1 no"))
    };
    let server = Options::new().script(script).start().await;
    let provider = provider(&server);
    assert_eq!(
        provider
            .send(&envelope("1", "eve@example.org"))
            .await
            .expect_err("refused"),
        Fault::recipient("5.1.1")
    );
    provider
        .send(&envelope("2", "ada@example.org"))
        .await
        .expect("sent");
    let mails = server.mails();
    let taken: Vec<_> = mails.iter().filter(|mail| !mail.data.is_empty()).collect();
    assert_eq!(taken.len(), 1);
    assert_eq!(
        (taken[0].to[0].as_str(), server.connections()),
        ("ada@example.org", 1)
    );
}

#[tokio::test]
async fn a_sender_of_the_messages_own_does_not_close_the_provider() {
    let server = server_that("MAIL", reply("553 5.7.1 not yours")).await;
    let mut mail = EmailMessage::new("s", "t");
    mail.from = Some("other@example.net".parse::<Mailbox>().expect("a mailbox"));
    assert_eq!(
        fault_of(&server, &mail_envelope("k", "ada@example.org", mail))
            .await
            .kind()
            .as_str(),
        "request"
    );
}

#[tokio::test]
async fn a_lost_answer_after_the_final_dot_is_unknown() {
    for (act, code) in [
        (Act::Close, "connection_lost"),
        (reply("what?"), "bad_reply"),
        (reply("354 more"), "bad_reply"),
    ] {
        let server = server_that("BODY", act).await;
        let envelope = envelope("k", "ada@example.org");
        assert_eq!(fault_of(&server, &envelope).await, Fault::unknown(code));
        assert!(!envelope.progress.nothing_written());
        assert_eq!(server.connections(), 1, "nothing is tried again");
    }
}

#[tokio::test]
async fn a_yes_that_came_before_the_mail_is_not_the_answer_to_it() {
    for extensions in [vec!["PIPELINING"], vec![]] {
        let script = |command: &Command<'_>| {
            let is_first = command.verb == "DATA" && command.nth == 0;
            is_first.then(|| reply("354 go ahead\r\n250 2.0.0 queued"))
        };
        let server = Options::new().extensions(&extensions).script(script);
        let server = server.start().await;
        let (provider, envelope) = (provider(&server), envelope("k", "ada@example.org"));
        let fault = provider.send(&envelope).await.expect_err("out of step");
        assert_eq!(fault, Fault::provider("bad_reply"));
        assert!(envelope.progress.nothing_written());
        provider.send(&envelope).await.expect("sent");
        assert_eq!((server.connections(), server.mails().len()), (2, 1));
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_mail_is_a_definite_failure_and_is_not_tried_again() {
    for verb in ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"] {
        for extensions in [vec!["PIPELINING"], vec![]] {
            let script = move |command: &Command<'_>| (command.verb == verb).then_some(Act::Close);
            let server = Options::new()
                .extensions(&extensions)
                .script(script)
                .start()
                .await;
            let envelope = envelope("k", "ada@example.org");
            let fault = fault_of(&server, &envelope).await;
            assert_eq!(fault.kind().as_str(), "provider", "{verb}");
            assert!(envelope.progress.nothing_written(), "{verb}");
            assert_eq!(
                (server.connections(), server.mails().len()),
                (1, 0),
                "{verb}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_provider_fault() {
    let server = Options::new().start().await;
    let provider = provider(&server);
    drop(server);
    tokio::task::yield_now().await;
    assert_eq!(
        provider
            .send(&envelope("k", "ada@example.org"))
            .await
            .expect_err("refused"),
        Fault::provider("connect")
    );
}

/// Waits until the time is over, because a cut-off is about time.
#[tokio::test]
async fn a_cut_off_is_unknown_only_once_the_mail_was_written() {
    for (verb, fault) in [
        ("GREETING", Fault::provider("timeout")),
        ("EHLO", Fault::provider("timeout")),
        ("MAIL", Fault::provider("timeout")),
        ("DATA", Fault::provider("timeout")),
        ("BODY", Fault::unknown("timeout")),
    ] {
        let server = server_that(verb, Act::Hang).await;
        let mut envelope = envelope("k", "ada@example.org");
        // Long enough for a busy machine to get that far, where it has to.
        envelope.timeout = Duration::from_millis(if verb == "BODY" { 2_000 } else { 100 });
        assert_eq!(fault_of(&server, &envelope).await, fault, "{verb}");
        assert_eq!(
            envelope.progress.nothing_written(),
            verb != "BODY",
            "{verb}"
        );
    }
    // The provider's own limit holds where the envelope's is longer.
    let server = server_that("MAIL", Act::Hang).await;
    let impatient = builder(&server)
        .timeout(Duration::from_millis(100))
        .build()
        .expect("builds");
    let mut patient = envelope("k", "ada@example.org");
    patient.timeout = Duration::from_secs(3_600);
    let sent = tokio::time::timeout(Duration::from_secs(60), impatient.send(&patient)).await;
    assert_eq!(
        sent.expect("ends").expect_err("cut off"),
        Fault::provider("timeout")
    );
}

#[tokio::test]
async fn a_large_mail_arrives_whole() {
    let server = Options::new().start().await;
    let text = ".0123456789\n".repeat(300_000);
    provider(&server)
        .send(&mail_envelope(
            "large",
            "ada@example.org",
            EmailMessage::new("s", text.clone()),
        ))
        .await
        .expect("sent");
    assert_eq!(
        Part::parse(&server.mails()[0].data).text().trim_end(),
        text.trim_end()
    );
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_a_server_that_takes_it() {
    let envelope = envelope("k", "почта@пример.рф");
    let plain = Options::new()
        .extensions(&["PIPELINING", "8BITMIME"])
        .start()
        .await;
    assert_eq!(
        fault_of(&plain, &envelope).await,
        Fault::request("smtputf8_missing")
    );
    assert!(!plain.lines().iter().any(|line| line.starts_with("MAIL")));

    let able = Options::new().start().await;
    provider(&able).send(&envelope).await.expect("sent");
    assert_eq!(able.mails()[0].to, ["почта@xn--e1afmkfd.xn--p1ai"]);
    let lines = able.lines();
    let from = lines
        .iter()
        .find(|line| line.starts_with("MAIL"))
        .expect("a sender");
    assert!(from.ends_with(" BODY=8BITMIME SMTPUTF8"), "{from}");

    // Only the domain is beyond ASCII: every server takes its ASCII form.
    let only_domain = support::envelope("k", "ada@пример.рф");
    provider(&plain).send(&only_domain).await.expect("sent");
    assert_eq!(plain.mails()[0].to, ["ada@xn--e1afmkfd.xn--p1ai"]);
}

#[tokio::test]
async fn a_mail_that_the_server_has_said_is_too_large_is_not_sent() {
    let server = Options::new().extensions(&["SIZE 2000"]).start().await;
    let provider = provider(&server);
    let large = mail_envelope(
        "1",
        "ada@example.org",
        EmailMessage::new("s", "x\n".repeat(2_000)),
    );
    assert_eq!(
        provider.send(&large).await.expect_err("refused"),
        Fault::request("5.3.4")
    );
    assert!(large.progress.nothing_written());
    provider
        .send(&envelope("2", "ada@example.org"))
        .await
        .expect("sent");
    assert_eq!(server.connections(), 1);
    let size = server.mails()[0].data.len();
    assert!(
        server
            .lines()
            .iter()
            .any(|line| *line == format!("MAIL FROM:<news@example.com> SIZE={size}")),
        "{:?}",
        server.lines()
    );
}

#[tokio::test]
async fn replies_are_read_with_a_bound() {
    let many = format!("{}250 2.1.5 ok", "250-2.1.5 more\r\n".repeat(50));
    let server = server_that("RCPT", reply(&many)).await;
    provider(&server)
        .send(&envelope("k", "ada@example.org"))
        .await
        .expect("a long reply is a reply");

    for endless in [
        "2".repeat(1024 * 1024),
        "250-again\r\n".repeat(100_000),
        "\0".repeat(10_000),
    ] {
        for verb in ["GREETING", "EHLO", "RCPT"] {
            let server = server_that(verb, reply(&endless)).await;
            assert_eq!(
                fault_of(&server, &envelope("k", "ada@example.org")).await,
                Fault::provider("bad_reply"),
                "{verb}"
            );
        }
    }
}

#[tokio::test]
async fn what_a_server_cannot_do_is_refused_before_any_connection() {
    let server = Options::new().start().await;
    let mail = || EmailMessage::new("s", "t");
    for (asked, code) in [
        (mail().with_send_at(Timestamp::EPOCH), "unsupported:send_at"),
        (mail().with_open_tracking(true), "unsupported:track_opens"),
        (mail().with_click_tracking(true), "unsupported:track_clicks"),
    ] {
        let envelope = mail_envelope("k", "ada@example.org", asked);
        assert_eq!(fault_of(&server, &envelope).await, Fault::request(code));
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_message_of_another_channel_is_refused_before_any_connection() {
    let server = Options::new().start().await;
    let sms = Envelope::new(
        "k",
        Address::phone("+15550100"),
        Message::new(SmsMessage::new("hello")),
    );
    assert_eq!(
        fault_of(&server, &sms).await,
        Fault::request("wrong_channel")
    );
    let injected = mail_envelope(
        "k",
        "ada@example.org",
        EmailMessage::new("s\r\nBcc: eve@example.org", "t"),
    );
    assert_eq!(
        fault_of(&server, &injected).await,
        Fault::request("header_subject")
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_batch_has_one_result_for_each_mail_in_order() {
    let script = |command: &Command<'_>| {
        (command.verb == "RCPT" && command.nth == 1).then(|| reply("550 5.1.1 no"))
    };
    let server = Options::new().script(script).start().await;
    let batch: Vec<_> = ["a", "b", "c"]
        .map(|key| envelope(key, "ada@example.org"))
        .to_vec();
    let results = provider(&server).send_batch(&batch).await;
    assert_eq!(results.len(), 3);
    assert!(results[0].is_ok() && results[2].is_ok());
    assert_eq!(results[1], Err(Fault::recipient("5.1.1")));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_host_without_a_name_says_its_address() {
    let server = Options::new().start().await;
    provider(&server)
        .send(&envelope("k", "ada@example.org"))
        .await
        .expect("sent");
    builder(&server)
        .hello_name("app.example.com")
        .build()
        .expect("builds")
        .send(&envelope("k", "ada@example.org"))
        .await
        .expect("sent");
    let hellos: Vec<_> = server
        .lines()
        .into_iter()
        .filter(|line| line.starts_with("EHLO"))
        .collect();
    assert_eq!(hellos, ["EHLO [127.0.0.1]", "EHLO app.example.com"]);
}

#[tokio::test]
async fn the_provider_says_what_it_is() {
    let server = Options::new().start().await;
    let provider = builder(&server).name("backup").build().expect("builds");
    assert_eq!(provider.name().as_str(), "backup");
    assert!(provider.capabilities().serves(&ChannelId::EMAIL));
    assert_eq!(provider.capabilities().concurrency(), 8);
    assert_eq!(
        provider.capabilities().honours_key_for(),
        None,
        "SMTP has no idempotency keys"
    );
    assert_eq!(
        SmtpProvider::yandex("app@yandex.ru", "hunter2")
            .build()
            .expect("builds")
            .name()
            .as_str(),
        "yandex"
    );
    let mail_ru = format!(
        "{:?}",
        SmtpProvider::mail_ru("app@mail.ru", "hunter2")
            .build()
            .expect("builds")
    );
    assert!(
        mail_ru.contains("smtp.mail.ru:465") && !mail_ru.contains("hunter2"),
        "{mail_ru}"
    );
    assert!(
        SmtpProvider::yandex("no mailbox", "hunter2")
            .build()
            .is_err()
    );
}
