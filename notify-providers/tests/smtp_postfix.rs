//! The SMTP provider against a real server, Postfix: what it takes arrives whole, and what it
//! refuses is understood.
//!
//! Needs root and Postfix; where one is missing the test fails and says what to install.

#![cfg(feature = "smtp")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::channel::{EmailMessage, ListUnsubscribe};
use notify_core::notification::Attachment;
use notify_core::provider::{Fault, Provider as _};
use notify_providers::smtp::{Credentials, Dkim, SmtpBuilder, SmtpProvider, SmtpSecurity};
use std::sync::Arc;
use support::mail::Part;
use support::postfix::{PASSWORD, Postfix, USER};
use support::{envelope, mail_envelope};

fn builder(postfix: &Postfix, security: SmtpSecurity) -> SmtpBuilder {
    let port = match security {
        SmtpSecurity::Tls => postfix.submissions,
        SmtpSecurity::StartTls => postfix.submission,
        _ => postfix.plain,
    };
    SmtpProvider::builder(
        "localhost",
        "Example <news@example.test>".parse().expect("a mailbox"),
    )
    .port(port)
    .security(security)
    .root_certificates(postfix.roots())
}

fn login() -> Credentials {
    Credentials::password(USER, PASSWORD)
}

/// One server for all cases: it takes seconds to start, and each case has mails and connections of
/// its own.
#[tokio::test]
async fn postfix_takes_and_refuses_mail() {
    let postfix = Postfix::start().await;
    a_full_mail_arrives_whole(&postfix).await;
    encrypted_and_authenticated_mail_arrives(&postfix).await;
    each_refusal_is_understood(&postfix).await;
    a_login_that_is_wrong_or_missing_is_for_an_operator(&postfix).await;
    many_mails_over_few_connections_all_arrive(&postfix).await;
    let log = postfix.log();
    for complaint in [
        "improper command pipelining",
        "non-SMTP command",
        "lost connection after DATA",
        "bare <LF>",
    ] {
        let lines: Vec<_> = log
            .lines()
            .filter(|line| line.contains(complaint))
            .collect();
        assert!(lines.is_empty(), "{lines:#?}");
    }
}

async fn a_full_mail_arrives_whole(postfix: &Postfix) {
    let dkim = Dkim::new(
        "example.test",
        "s1",
        "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=",
    )
    .expect("reads");
    let provider = builder(postfix, SmtpSecurity::None)
        .dkim(dkim)
        .build()
        .expect("builds");
    let links = ListUnsubscribe::new("https://example.test/u/token")
        .expect("https")
        .with_mailto("mailto:u@example.test");
    let picture: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mail = EmailMessage::new("Заказ в пути 🚚", "Привет.\n.\n..\nFrom here\n")
        .with_html("<p>Привет</p><img src=cid:logo>")
        .with_header("X-Campaign", "spring")
        .with_attachment(Attachment::new("logo.png", "image/png", picture.clone()).inline("logo"))
        .with_attachment(Attachment::new(
            "счёт.txt",
            "text/plain",
            b"1\n2\r\n3".to_vec(),
        ))
        .with_list_unsubscribe(links);
    let receipt = provider
        .send(&mail_envelope("full-1", "ada@example.test", mail))
        .await
        .expect("sent");
    let message_id = receipt.message_id.expect("an id");
    assert_eq!(message_id, "full-1@example.test");

    let raw = postfix.mail("ada", &message_id).await;
    // A maildir keeps lines with line feeds only.
    let raw = String::from_utf8(raw)
        .expect("ASCII")
        .replace('\n', "\r\n")
        .into_bytes();
    let mail = Part::parse(&raw);
    assert_eq!(mail.header("Subject").as_deref(), Some("Заказ в пути 🚚"));
    assert_eq!(mail.raw("X-Campaign"), Some("spring"));
    assert_eq!(
        mail.raw("List-Unsubscribe"),
        Some("<https://example.test/u/token>, <mailto:u@example.test>")
    );
    assert_eq!(
        mail.raw("List-Unsubscribe-Post"),
        Some("List-Unsubscribe=One-Click")
    );
    assert_eq!(mail.raw("Return-Path"), Some("<news@example.test>"));
    let leaves = mail.leaves();
    assert_eq!(
        leaves
            .iter()
            .map(|part| part.media_type())
            .collect::<Vec<_>>(),
        ["text/plain", "text/html", "image/png", "text/plain"]
    );
    assert_eq!(leaves[0].text().trim_end(), "Привет.\n.\n..\nFrom here");
    assert_eq!(leaves[2].body, picture);
    assert_eq!(leaves[3].body, b"1\n2\r\n3");

    let public = STANDARD
        .decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
        .expect("base64");
    let tags = support::dkim::verify(&raw, &public);
    assert!(tags["h"].contains("list-unsubscribe-post"), "{}", tags["h"]);
}

async fn encrypted_and_authenticated_mail_arrives(postfix: &Postfix) {
    for (security, key) in [
        (SmtpSecurity::StartTls, "starttls"),
        (SmtpSecurity::Tls, "tls"),
    ] {
        let provider = builder(postfix, security)
            .credentials(login())
            .build()
            .expect("builds");
        let receipt = provider
            .send(&envelope(key, "bob@example.test"))
            .await
            .unwrap_or_else(|fault| panic!("{fault}: {}", postfix.log()));
        let mail = postfix
            .mail("bob", &receipt.message_id.expect("an id"))
            .await;
        let mail = String::from_utf8(mail).expect("ASCII");
        assert!(
            mail.contains("with ESMTPSA") || mail.contains("with UTF8SMTPSA"),
            "{mail}"
        );
    }
}

async fn each_refusal_is_understood(postfix: &Postfix) {
    let provider = builder(postfix, SmtpSecurity::None)
        .build()
        .expect("builds");
    for (to, expected) in [
        ("nobody@example.test", Fault::recipient("5.1.1")),
        ("full@example.test", Fault::provider("4.2.2")),
        ("later@example.test", Fault::provider("4.2.0")),
        ("blocked@example.test", Fault::request("5.7.1")),
        ("refused@example.test", Fault::request("5.7.1")),
        ("someone@outside.test", Fault::request("5.7.1")),
    ] {
        assert_eq!(
            provider.send(&envelope("refused", to)).await.expect_err(to),
            expected,
            "{to}"
        );
        provider
            .send(&envelope(&format!("after-{to}"), "ada@example.test"))
            .await
            .expect("the next mail is sent");
        postfix
            .mail(
                "ada",
                &format!(
                    "after-{}@example.test",
                    to.replace('@', "=40").replace('.', "=2e")
                ),
            )
            .await;
    }
    let large = mail_envelope(
        "large",
        "ada@example.test",
        EmailMessage::new("s", "0123456789\n".repeat(1_100_000)),
    );
    assert_eq!(
        provider.send(&large).await.expect_err("refused"),
        Fault::request("5.3.4")
    );

    let forged = SmtpProvider::builder(
        "localhost",
        "forged@example.test".parse().expect("a mailbox"),
    )
    .port(postfix.plain)
    .security(SmtpSecurity::None)
    .build()
    .expect("builds");
    assert_eq!(
        forged
            .send(&envelope("k", "ada@example.test"))
            .await
            .expect_err("refused"),
        Fault::request("5.7.1")
    );
}

async fn a_login_that_is_wrong_or_missing_is_for_an_operator(postfix: &Postfix) {
    for security in [SmtpSecurity::StartTls, SmtpSecurity::Tls] {
        let wrong = builder(postfix, security)
            .credentials(Credentials::password(USER, "wrong horse"))
            .build()
            .expect("builds");
        assert_eq!(
            wrong
                .send(&envelope("k", "ada@example.test"))
                .await
                .expect_err("refused"),
            Fault::config("5.7.8")
        );
    }
    // The submission port wants TLS before anything else.
    let plain = builder(postfix, SmtpSecurity::None)
        .port(postfix.submission)
        .build()
        .expect("builds");
    assert_eq!(
        plain
            .send(&envelope("k", "ada@example.test"))
            .await
            .expect_err("refused"),
        Fault::config("5.7.0")
    );
    let stranger = builder(postfix, SmtpSecurity::Tls)
        .root_certificates(support::certificate::Authority::new().pem())
        .build()
        .expect("builds");
    assert_eq!(
        stranger
            .send(&envelope("k", "ada@example.test"))
            .await
            .expect_err("refused"),
        Fault::config("tls_unknown_issuer")
    );
}

async fn many_mails_over_few_connections_all_arrive(postfix: &Postfix) {
    let provider = builder(postfix, SmtpSecurity::Tls)
        .credentials(login())
        .max_connections(4.try_into().expect("not zero"))
        .max_mails_per_connection(7.try_into().expect("not zero"))
        .build()
        .expect("builds");
    let provider = Arc::new(provider);
    let mut sends = tokio::task::JoinSet::new();
    for n in 0..60 {
        let provider = Arc::clone(&provider);
        sends.spawn(async move {
            provider
                .send(&envelope(&format!("many-{n}"), "bob@example.test"))
                .await
        });
    }
    while let Some(result) = sends.join_next().await {
        result.expect("no panic").expect("sent");
    }
    for n in 0..60 {
        let mail = postfix.mail("bob", &format!("many-{n}@example.test")).await;
        assert!(
            String::from_utf8(mail)
                .expect("ASCII")
                .contains(&format!("The text of many-{n}."))
        );
    }
}
