//! Providers from one line each, as configuration has them.

#![cfg(feature = "full")]

use notify_core::provider::Routing;
use notify_core::{ChannelId, ErrorKind};
use notify_providers::schemes;

#[test]
fn every_scheme_makes_its_provider() {
    let names: Vec<_> = schemes().names().map(str::to_owned).collect();
    assert_eq!(
        names,
        [
            "discord",
            "file",
            "log",
            "sendgrid",
            "slack",
            "smtp",
            "smtp+plain",
            "smtps",
            "teams",
            "telegram",
            "twilio",
            "webhook",
            "whatsapp",
        ]
    );
    for (dsn, name) in [
        ("smtps://app%40example.com:secret@mail.example.com", "smtp"),
        (
            "SMTP://app:secret@mail.example.com:2587?from=app@example.com&name=relay",
            "relay",
        ),
        (
            "smtp+plain://localhost?from=Example%20<app@example.com>",
            "smtp",
        ),
        ("log://email,sms,inapp?content=show", "log"),
        ("log://email?name=console", "console"),
        (
            "file:///var/spool/mails?channels=sms,push&from=app@example.com",
            "file",
        ),
        ("file://mails.mbox?format=mbox&name=box", "box"),
        (
            "smtps://app%40example.com:secret@mail.example.com#primary",
            "primary",
        ),
        (
            "sendgrid://SG.secret@default?from=app@example.com",
            "sendgrid",
        ),
        (
            "twilio://AC1:secret@default?from=+15550100#sms-eu",
            "sms-eu",
        ),
    ] {
        let provider = schemes().provider(dsn).expect(dsn);
        assert_eq!(provider.name().as_str(), name, "{dsn}");
        let channel = match dsn.starts_with("twilio") {
            true => ChannelId::SMS,
            false => ChannelId::EMAIL,
        };
        assert!(provider.capabilities().serves(&channel), "{dsn}");
        assert!(!format!("{provider:?}").contains("secret"), "{dsn}");
    }
    let log = schemes().provider("log://email,inapp").expect("reads");
    assert!(
        log.capabilities().serves(&ChannelId::IN_APP)
            && !log.capabilities().serves(&ChannelId::SMS)
    );
}

#[test]
fn every_chat_has_a_channel_of_its_own() {
    for (dsn, name, channel) in [
        (
            "discord://default?webhook=1/hunter2&room=alerts",
            "discord",
            "chat.discord",
        ),
        ("slack://xoxb-hunter2@default", "slack", "chat.slack"),
        (
            "slack://default?webhook=T1/B1/hunter2#rooms",
            "rooms",
            "chat.slack",
        ),
        (
            "teams://default?webhook=https%3A%2F%2Fexample.com%2F%3Fsig%3Dhunter2",
            "teams",
            "chat.teams",
        ),
        ("telegram://1:hunter2@default", "telegram", "chat.telegram"),
        (
            "webhook://whsec_aHVudGVyMmh1bnRlcjJodW50ZXIy@default",
            "webhook",
            "webhook",
        ),
        ("whatsapp://1:hunter2@default", "whatsapp", "chat.whatsapp"),
    ] {
        let provider = schemes().provider(dsn).expect(dsn);
        assert_eq!(provider.name().as_str(), name, "{dsn}");
        let channels = provider.capabilities().channels();
        assert_eq!(channels, [ChannelId::new(channel)], "{dsn}");
        let printed = format!("{provider:?}");
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(!printed.contains("aHVudGVy"), "{printed}");
    }
}

#[test]
fn providers_are_composed() {
    let dsn = "smtps://a%40example.com:p%26%26w@one.example.com || 3*smtp+plain://localhost?from=a@example.com&name=near && log://email";
    let (routing, providers) = schemes().parse(dsn).expect("reads");
    assert_eq!(providers.len(), 3);
    let shared = Routing::spread([(3, Routing::one("near")), (1, Routing::one("log"))]);
    assert_eq!(routing, Routing::failover([Routing::one("smtp"), shared]));
}

#[test]
fn a_line_that_does_not_read_is_refused_without_being_shown() {
    for (dsn, field) in [
        ("smtps://app:hunter2@mail.example.com", Some("from")),
        ("smtps://hunter2@mail.example.com", Some("password")),
        (
            "smtps://app:hunter2@mail.example.com:hunter2?from=a@example.com",
            Some("port"),
        ),
        (
            "smtp+plain://app:hunter2@mail.example.com?from=a@example.com",
            Some("credentials"),
        ),
        (
            "smtps://app:hunter2@mail.example.com?from=a@example.com&timeout=hunter2",
            Some("timeout"),
        ),
        ("log://", Some("channels")),
        ("log://email?content=hunter2", Some("parameter")),
        ("file://", Some("path")),
        ("file:///tmp?format=hunter2", Some("parameter")),
        (
            "file:///tmp/mbox?channels=sms&format=mbox",
            Some("channels"),
        ),
        ("file:///tmp?from=hunter2", Some("from")),
        ("imap://app:hunter2@mail.example.com", None),
    ] {
        let error = schemes().provider(dsn).expect_err(dsn);
        assert_eq!(
            (error.kind(), error.field_name()),
            (ErrorKind::Config, field),
            "{dsn}"
        );
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}
