//! Providers from one line each, as configuration has them.

#![cfg(feature = "full")]

use notify_core::provider::{Routing, Scope};
use notify_core::{Address, ChannelId, ErrorKind};
use notify_providers::schemes;

#[test]
fn every_provider_has_its_scheme() {
    let names: Vec<_> = schemes().names().map(str::to_owned).collect();
    assert_eq!(
        names,
        [
            "apns",
            "brevo",
            "discord",
            "exolve",
            "fcm",
            "file",
            "huawei",
            "log",
            "mailgun",
            "mandrill",
            "megafon",
            "message-bird",
            "plivo",
            "postmark",
            "resend",
            "sendgrid",
            "ses",
            "slack",
            "sms-ru",
            "smsc",
            "smtp",
            "smtp+plain",
            "smtps",
            "sns",
            "teams",
            "telegram",
            "twilio",
            "vonage",
            "web-push",
            "webhook",
            "whatsapp",
        ]
    );
}

#[test]
fn a_line_makes_the_provider_with_its_name() {
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
        ("huawei://1:secret@default?name=hms", "hms"),
        (
            "web-push://yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw@default?contact=mailto:a@example.com",
            "web_push",
        ),
    ] {
        let provider = schemes().provider(dsn).expect(dsn);
        assert_eq!(provider.name().as_str(), name, "{dsn}");
        let channel = match dsn.split(':').next() {
            Some("huawei" | "web-push") => ChannelId::PUSH,
            Some("twilio") => ChannelId::SMS,
            _ => ChannelId::EMAIL,
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
fn every_mail_service_is_made_from_its_line() {
    for (dsn, name) in [
        ("brevo://secret@default?from=app@example.com", "brevo"),
        (
            "mailgun://secret@default?domain=mg.example.com&from=app@example.com",
            "mailgun",
        ),
        ("mandrill://secret@default?from=app@example.com", "mandrill"),
        ("postmark://secret@default?from=app@example.com", "postmark"),
        ("resend://secret@default?from=app@example.com", "resend"),
        (
            "ses://AKID:secret@default?region=eu-west-1&from=app@example.com",
            "ses",
        ),
    ] {
        let provider = schemes().provider(dsn).expect(dsn);
        assert_eq!(provider.name().as_str(), name, "{dsn}");
        let able = provider.capabilities();
        assert!(able.serves(&ChannelId::EMAIL), "{dsn}");
        assert!(!format!("{provider:?}").contains("secret"), "{dsn}");
    }
}

#[test]
fn every_vendor_of_text_messages_has_its_scheme() {
    for (dsn, name) in [
        ("exolve://secret@default?from=79990000000", "exolve"),
        ("megafon://login:secret@default?from=Example", "megafon"),
        ("message-bird://secret@default?from=Example", "message_bird"),
        ("plivo://MA1:secret@default?from=+15550100", "plivo"),
        ("sms-ru://secret@default?from=Example", "sms_ru"),
        ("smsc://login:secret@default?from=Example", "smsc"),
        ("sns://AKID:secret@default?region=eu-west-1", "sns"),
        ("vonage://key:secret@default?from=Example", "vonage"),
        ("vonage://key:secret@default?from=Example#sms-eu", "sms-eu"),
    ] {
        let provider = schemes().provider(dsn).expect(dsn);
        assert_eq!(provider.name().as_str(), name, "{dsn}");
        assert!(provider.capabilities().serves(&ChannelId::SMS), "{dsn}");
        assert!(!format!("{provider:?}").contains("secret"), "{dsn}");
    }
}

/// Every vendor that has a parser of its webhooks: its folder, its line, and whether it passes on what readers answer.
const REPORTING: &[(&str, &str, bool)] = &[
    ("chat/slack", "slack://xoxb-1@default", true),
    ("chat/telegram", "telegram://1:secret@default", true),
    ("chat/whatsapp", "whatsapp://1:secret@default", true),
    (
        "email/brevo",
        "brevo://secret@default?from=a@example.com",
        false,
    ),
    (
        "email/mailgun",
        "mailgun://secret@default?domain=mg.example.com&from=a@example.com",
        false,
    ),
    (
        "email/mandrill",
        "mandrill://secret@default?from=a@example.com",
        false,
    ),
    (
        "email/postmark",
        "postmark://secret@default?from=a@example.com",
        false,
    ),
    (
        "email/resend",
        "resend://secret@default?from=a@example.com",
        false,
    ),
    (
        "email/sendgrid",
        "sendgrid://SG.secret@default?from=a@example.com",
        false,
    ),
    (
        "email/ses",
        "ses://AKID:secret@default?region=eu-west-1&from=a@example.com",
        false,
    ),
    ("push/huawei", "huawei://1:secret@default", false),
    (
        "sms/exolve",
        "exolve://secret@default?from=79990000000",
        true,
    ),
    (
        "sms/megafon",
        "megafon://login:secret@default?from=Example",
        false,
    ),
    (
        "sms/message_bird",
        "message-bird://secret@default?from=Example",
        true,
    ),
    (
        "sms/plivo",
        "plivo://MA1:secret@default?from=+15550100",
        true,
    ),
    ("sms/sms_ru", "sms-ru://secret@default?from=Example", false),
    ("sms/smsc", "smsc://login:secret@default?from=Example", true),
    (
        "sms/twilio",
        "twilio://AC1:secret@default?from=+15550100",
        true,
    ),
    (
        "sms/vonage",
        "vonage://key:secret@default?from=Example",
        true,
    ),
];

#[test]
fn a_provider_whose_webhooks_are_read_says_that_its_vendor_reports() {
    let mut parsers = Vec::new();
    for kind in ["chat", "email", "push", "sms"] {
        let folder = format!("{}/src/{kind}", env!("CARGO_MANIFEST_DIR"));
        for vendor in std::fs::read_dir(folder).expect("is there") {
            let vendor = vendor.expect("reads").path();
            let text = std::fs::read_to_string(vendor.join("webhook.rs")).unwrap_or_default();
            if text.contains("impl WebhookParser for") {
                let name = vendor.file_name().expect("has a name").to_string_lossy();
                parsers.push(format!("{kind}/{name}"));
            }
        }
    }
    parsers.sort();
    let known: Vec<_> = REPORTING.iter().map(|(folder, ..)| *folder).collect();
    assert_eq!(parsers, known, "each parser is in the table");
    for (_, dsn, answers) in REPORTING {
        let provider = schemes().provider(dsn).expect(dsn);
        let able = provider.capabilities();
        assert_eq!((able.reports(), able.answers()), (true, *answers), "{dsn}");
    }
    for dsn in ["sns://AKID:secret@default?region=eu-west-1", "log://sms"] {
        let provider = schemes().provider(dsn).expect(dsn);
        assert!(!provider.capabilities().reports(), "{dsn}");
    }
}

#[test]
fn a_provider_that_reaches_many_servers_tells_them_apart() {
    let subscription = r#"{"endpoint":"https://push.example.net/v2/secret","keys":{
        "p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth":"BTBZMqHH6r4Tts7J_aSIgg"}}"#;
    for (dsn, address, scope) in [
        (
            "webhook://whsec_aHVudGVyMmh1bnRlcjJodW50ZXIy@default",
            Address::new("webhook", "https://hooks.example.com/in?key=secret"),
            Some("hooks.example.com"),
        ),
        (
            "teams://default?webhook=https%3A%2F%2Fone.example.com%2F%3Fsig%3Dsecret&room=alerts",
            Address::new("teams", "https://two.example.com/flow?sig=secret"),
            Some("two.example.com"),
        ),
        (
            "web-push://yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw@default?contact=mailto:a@example.com",
            Address::device(subscription),
            Some("push.example.net"),
        ),
        (
            "twilio://AC1:secret@default?from=+15550100",
            Address::phone("+15550000007"),
            None,
        ),
    ] {
        let provider = schemes().provider(dsn).expect(dsn);
        let found = provider.scope(&address);
        assert_eq!(found.as_ref().map(Scope::as_str), scope, "{dsn}");
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
