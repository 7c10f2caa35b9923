//! The SMTP provider over TLS, and who it says it is: what is trusted, what is refused, and what is
//! never said in plain text.

#![cfg(feature = "smtp")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::provider::{Fault, Provider as _};
use notify_providers::smtp::{Credentials, Dkim, SmtpBuilder, SmtpProvider, SmtpSecurity};
use std::sync::Arc;
use support::certificate::{Authority, Flaw};
use support::envelope;
use support::server::{Act, Command, Options, Server};

fn builder(server: &Server, security: SmtpSecurity) -> SmtpBuilder {
    SmtpProvider::builder(
        "localhost",
        "Example <news@example.com>".parse().expect("a mailbox"),
    )
    .port(server.port())
    .security(security)
}

fn reply(text: &str) -> Act {
    Act::Reply(text.to_owned())
}

async fn outcome(builder: SmtpBuilder) -> Result<(), Fault> {
    builder
        .build()
        .expect("builds")
        .send(&envelope("k", "ada@example.org"))
        .await
        .map(|_| ())
}

/// Both ways to encrypt, with a server that has this certificate.
async fn servers(authority: &Authority, flaw: Flaw) -> [(Server, SmtpSecurity); 2] {
    let config = authority.issue(flaw).server_config();
    let implicit = Options::new()
        .extensions(&["PIPELINING", "AUTH PLAIN"])
        .implicit_tls(Arc::clone(&config))
        .start()
        .await;
    let upgraded = Options::new()
        .extensions(&["PIPELINING", "AUTH PLAIN"])
        .starttls(config)
        .start()
        .await;
    [
        (implicit, SmtpSecurity::Tls),
        (upgraded, SmtpSecurity::StartTls),
    ]
}

#[tokio::test]
async fn a_mail_goes_encrypted_both_ways() {
    let authority = Authority::new();
    for (server, security) in servers(&authority, Flaw::None).await {
        let provider = builder(&server, security)
            .root_certificates(authority.pem())
            .credentials(Credentials::password("app", "hunter2"))
            .build()
            .expect("builds");
        for key in ["1", "2"] {
            provider
                .send(&envelope(key, "ada@example.org"))
                .await
                .expect("sent");
        }
        assert!(server.mails().iter().all(|mail| mail.encrypted));
        assert_eq!((server.mails().len(), server.connections()), (2, 1));
        let lines = server.lines();
        let auth: Vec<_> = lines
            .iter()
            .filter(|line| line.starts_with("AUTH"))
            .collect();
        assert_eq!(
            auth,
            [&format!("AUTH PLAIN {}", STANDARD.encode("\0app\0hunter2"))],
            "once for the connection"
        );
        let starttls = lines.iter().position(|line| line == "STARTTLS");
        assert_eq!(starttls.is_some(), security == SmtpSecurity::StartTls);
        assert!(
            starttls.unwrap_or(0)
                < lines
                    .iter()
                    .position(|line| line.starts_with("AUTH"))
                    .expect("present")
        );
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_refused_before_anything_is_said() {
    let authority = Authority::new();
    let stranger = Authority::new();
    for (flaw, trusted, code) in [
        (Flaw::Expired, &authority, "tls_expired"),
        (Flaw::NotYet, &authority, "tls_not_valid_yet"),
        (Flaw::WrongHost, &authority, "tls_wrong_host"),
        (Flaw::None, &stranger, "tls_unknown_issuer"),
    ] {
        for (server, security) in servers(&authority, flaw).await {
            let builder = builder(&server, security)
                .root_certificates(trusted.pem())
                .credentials(Credentials::password("app", "hunter2"));
            assert_eq!(
                outcome(builder).await,
                Err(Fault::config(code)),
                "{flaw:?} {security:?}"
            );
            assert!(
                !server
                    .lines()
                    .iter()
                    .any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")),
                "{:?}",
                server.lines()
            );
        }
    }
    // Without roots of its own, the platform's are asked, and they do not know this authority.
    for (server, security) in servers(&authority, Flaw::None).await {
        assert_eq!(
            outcome(builder(&server, security)).await,
            Err(Fault::config("tls_unknown_issuer")),
            "{security:?}"
        );
    }
}

#[tokio::test]
async fn a_server_without_starttls_is_refused_and_never_told_the_password() {
    let authority = Authority::new();
    let stripped = Options::new()
        .extensions(&["PIPELINING", "AUTH PLAIN LOGIN"])
        .start()
        .await;
    let builder = builder(&stripped, SmtpSecurity::StartTls)
        .root_certificates(authority.pem())
        .credentials(Credentials::password("app", "hunter2"));
    assert_eq!(
        outcome(builder).await,
        Err(Fault::config("starttls_missing"))
    );
    assert_eq!(
        stripped.lines().len(),
        1,
        "only EHLO: {:?}",
        stripped.lines()
    );
}

#[tokio::test]
async fn a_server_that_takes_its_starttls_back_is_refused() {
    let authority = Authority::new();
    let config = authority.issue(Flaw::None).server_config();
    for (text, fault) in [
        ("454 4.7.0 not now", Fault::provider("4.7.0")),
        ("501 5.5.4 no", Fault::config("5.5.4")),
        ("250 what", Fault::provider("bad_reply")),
    ] {
        let script = move |command: &Command<'_>| {
            (command.verb == "STARTTLS").then(|| Act::ReplyAndClose(text.to_owned()))
        };
        let server = Options::new()
            .starttls(Arc::clone(&config))
            .script(script)
            .start()
            .await;
        assert_eq!(
            outcome(builder(&server, SmtpSecurity::StartTls).root_certificates(authority.pem()))
                .await,
            Err(fault),
            "{text}"
        );
        assert!(server.mails().is_empty());
    }
}

/// What a man in the middle adds to the last reply in plain text must not be read as the first
/// reply inside of TLS.
#[tokio::test]
async fn words_behind_the_starttls_reply_are_refused() {
    let authority = Authority::new();
    let config = authority.issue(Flaw::None).server_config();
    let injected = "220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n";
    let script = move |command: &Command<'_>| (command.verb == "STARTTLS").then(|| reply(injected));
    let server = Options::new().starttls(config).script(script).start().await;
    let builder = builder(&server, SmtpSecurity::StartTls)
        .root_certificates(authority.pem())
        .credentials(Credentials::password("app", "hunter2"));
    assert_eq!(
        outcome(builder).await,
        Err(Fault::config("starttls_injection"))
    );
    assert_eq!(server.lines(), ["EHLO [127.0.0.1]", "STARTTLS"]);
}

#[tokio::test]
async fn what_is_not_tls_is_refused() {
    let authority = Authority::new();
    let plain = Options::new().start().await;
    let refused = builder(&plain, SmtpSecurity::Tls).root_certificates(authority.pem());
    assert_eq!(outcome(refused).await, Err(Fault::config("tls_handshake")));

    let closing = Options::new()
        .script(|command| (command.verb == "GREETING").then_some(Act::Close))
        .start()
        .await;
    let refused = builder(&closing, SmtpSecurity::Tls).root_certificates(authority.pem());
    assert_eq!(
        outcome(refused).await.expect_err("refused").kind().as_str(),
        "provider"
    );
}

#[tokio::test]
async fn a_refused_login_is_for_an_operator_and_a_busy_one_is_for_later() {
    let cases = [
        ("535 5.7.8 bad credentials", Fault::config("5.7.8")),
        ("535 bad credentials", Fault::config("535")),
        ("534 5.7.9 use an app password", Fault::config("5.7.9")),
        ("454 4.7.0 later", Fault::provider("4.7.0")),
        ("421 4.7.0 too many logins", Fault::provider("4.7.0")),
    ];
    for (text, fault) in cases {
        let script = move |command: &Command<'_>| (command.verb == "AUTH").then(|| reply(text));
        let server = Options::new()
            .extensions(&["AUTH PLAIN"])
            .script(script)
            .start()
            .await;
        let builder = builder(&server, SmtpSecurity::None)
            .credentials(Credentials::password("app", "hunter2"));
        let refused = outcome(builder).await.expect_err("refused");
        assert_eq!(refused, fault, "{text}");
        assert!(!format!("{refused:?}").contains("hunter2"));
        assert!(!server.lines().iter().any(|line| line.starts_with("MAIL")));
    }
}

#[tokio::test]
async fn a_server_without_a_mechanism_of_ours_is_refused() {
    for extensions in [&["AUTH CRAM-MD5 XOAUTH2"][..], &[]] {
        let server = Options::new().extensions(extensions).start().await;
        let builder = builder(&server, SmtpSecurity::None)
            .credentials(Credentials::password("app", "hunter2"));
        assert_eq!(outcome(builder).await, Err(Fault::config("auth_missing")));
        assert_eq!(server.lines().len(), 1);
    }
}

#[tokio::test]
async fn login_and_xoauth2_answer_what_they_are_asked() {
    let script = |command: &Command<'_>| match (command.verb, command.line) {
        ("AUTH", "AUTH LOGIN") => Some(reply("334 VXNlcm5hbWU6")),
        ("ANSWER", "YXBw") => Some(reply("334 UGFzc3dvcmQ6")),
        ("ANSWER", "aHVudGVyMg==") => Some(reply("235 2.7.0 welcome")),
        _ => None,
    };
    let server = Options::new()
        .extensions(&["AUTH=LOGIN"])
        .script(script)
        .start()
        .await;
    assert_eq!(
        outcome(
            builder(&server, SmtpSecurity::None)
                .credentials(Credentials::password("app", "hunter2"))
        )
        .await,
        Ok(())
    );

    let script = |command: &Command<'_>| match (command.verb, command.line) {
        ("AUTH", _) => Some(reply("334 eyJzdGF0dXMiOiI0MDAifQ==")),
        ("ANSWER", "") => Some(reply("535 5.7.8 token expired")),
        _ => None,
    };
    let server = Options::new()
        .extensions(&["AUTH PLAIN XOAUTH2"])
        .script(script)
        .start()
        .await;
    let refused = outcome(
        builder(&server, SmtpSecurity::None)
            .credentials(Credentials::oauth2("app@example.com", "token")),
    )
    .await;
    assert_eq!(refused, Err(Fault::config("5.7.8")));
}

#[tokio::test]
async fn a_signed_mail_verifies_as_it_arrives() {
    // An RSA key in PKCS#8, and the Ed25519 key of RFC 8463, appendix A.2.
    let rsa = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
        .expect("a key");
    let seed = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=".to_owned();
    let ed25519 = STANDARD
        .decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
        .expect("base64");
    for (key, public, algorithm) in [
        (
            rsa.serialize_pem(),
            rsa.public_key_raw().to_vec(),
            "rsa-sha256",
        ),
        (seed, ed25519, "ed25519-sha256"),
    ] {
        let server = Options::new().start().await;
        let dkim = Dkim::new("example.com", "s1", key).expect("reads");
        let links = notify_core::channel::ListUnsubscribe::new(format!(
            "https://example.com/u/{}",
            "t".repeat(200)
        ))
        .expect("https");
        let mut mail = notify_core::channel::EmailMessage::new(
            "Тема, long enough to be folded: ".repeat(4),
            "Text.  With   spaces \n\n\n",
        )
        .with_html("<p>\t\tHTML</p>\n")
        .with_list_unsubscribe(links.with_mailto("mailto:u@example.com"));
        mail.reply_to = Some("Help <help@example.com>".parse().expect("a mailbox"));
        let provider = builder(&server, SmtpSecurity::None)
            .dkim(dkim)
            .build()
            .expect("builds");
        provider
            .send(&support::mail_envelope("k", "ada@example.org", mail))
            .await
            .expect("sent");

        let tags = support::dkim::verify(&server.mails()[0].data, &public);
        assert_eq!(
            (tags["a"].as_str(), tags["d"].as_str(), tags["s"].as_str()),
            (algorithm, "example.com", "s1")
        );
        let signed = "from:to:subject:date:message-id:reply-to:mime-version:content-type:list-unsubscribe:list-unsubscribe-post:from";
        assert_eq!(tags["h"], signed);
    }
}
