//! Mails are read back by a parser of our own, which shares no code with what builds them.

#[path = "../../tests/support/mail.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the integration tests"
)]
mod mail;

use super::*;
use mail::Part;
use notify_core::Message;
use notify_core::channel::ListUnsubscribe;
use notify_core::notification::Attachment;
use proptest::prelude::*;

fn defaults() -> Defaults {
    Defaults {
        from: "Example <news@example.com>".parse().expect("a mailbox"),
        reply_to: None,
    }
}

fn built(envelope: &Envelope) -> Result<Mail, Fault> {
    compose(
        envelope,
        &defaults(),
        Timestamp::from_micros(1_700_000_000_000_000),
    )
}

fn envelope(email: EmailMessage) -> Envelope {
    Envelope::new(
        "key-1",
        Address::email("ada@example.org"),
        Message::new(email),
    )
}

fn read(email: EmailMessage) -> Part {
    Part::parse(&built(&envelope(email)).expect("builds").bytes)
}

fn refused(email: EmailMessage) -> String {
    built(&envelope(email))
        .map(|_| ())
        .expect_err("refused")
        .to_string()
}

#[test]
fn a_mail_has_the_headers_that_a_mail_must_have() {
    let mail = read(EmailMessage::new("Greetings", "hello"));
    for (name, value) in [
        ("From", "Example <news@example.com>"),
        ("To", "ada@example.org"),
        ("Subject", "Greetings"),
        ("Date", "Tue, 14 Nov 2023 22:13:20 +0000"),
        ("Message-ID", "<key-1@example.com>"),
        ("MIME-Version", "1.0"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Notification-ID", "00000000-0000-0000-0000-000000000000"),
        ("X-Delivery-ID", "00000000-0000-0000-0000-000000000000"),
    ] {
        assert_eq!(mail.header(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(
        (mail.media_type().as_str(), mail.text().as_str()),
        ("text/plain", "hello\n")
    );
}

#[test]
fn every_attempt_of_a_delivery_has_the_same_message_id() {
    let envelope = envelope(EmailMessage::new("s", "t").with_html("<p>t"));
    let again = compose(&envelope, &defaults(), Timestamp::from_micros(1)).expect("builds");
    assert_eq!(
        built(&envelope).expect("builds").message_id,
        again.message_id
    );
}

#[test]
fn what_is_beyond_ascii_reads_back() {
    let mut email = EmailMessage::new(
        "Тема сообщения — a rather long one that has to be folded somewhere, surely 🚀",
        "Привет,\nмир\r\n.\r\n..\n",
    );
    email.from =
        Some(Mailbox::new("Ада \"Лавлейс\", графиня", "ada@пример.рф").expect("a mailbox"));
    let subject = email.subject.clone();
    let mail = read(email.with_header("X-Тег".replace("Тег", "Tag"), "значение"));
    assert_eq!(mail.header("Subject"), Some(subject));
    assert_eq!(mail.header("X-Tag").as_deref(), Some("значение"));
    assert_eq!(
        mail.header("From").as_deref(),
        Some("Ада \"Лавлейс\", графиня <ada@xn--e1afmkfd.xn--p1ai>")
    );
    assert_eq!(mail.text().trim_end_matches('\n'), "Привет,\nмир\n.\n..");
}

#[test]
fn every_combination_of_parts_has_its_structure() {
    let image = Attachment::new("logo.png", "image/png", vec![0, 159, 146, 150]).inline("logo");
    let file = Attachment::new("отчёт.txt", "text/plain", b"a\nb\r\nc\rd".to_vec());
    let html = EmailMessage::new("s", "text").with_html("<img src=cid:logo>");
    let kinds = |mail: &Part| {
        mail.leaves()
            .iter()
            .map(|part| part.media_type())
            .collect::<Vec<_>>()
    };

    let alternative = read(html.clone());
    assert_eq!(alternative.media_type(), "multipart/alternative");
    assert_eq!(kinds(&alternative), ["text/plain", "text/html"]);

    let full = read(
        html.clone()
            .with_attachment(image.clone())
            .with_attachment(file.clone()),
    );
    assert_eq!(full.media_type(), "multipart/mixed");
    assert_eq!(full.parts[0].media_type(), "multipart/alternative");
    assert_eq!(full.parts[0].parts[1].media_type(), "multipart/related");
    assert_eq!(
        kinds(&full),
        ["text/plain", "text/html", "image/png", "text/plain"]
    );
    let leaves = full.leaves();
    assert_eq!(leaves[2].raw("Content-ID"), Some("<logo>"));
    assert_eq!(leaves[2].body, [0, 159, 146, 150]);
    assert_eq!(
        leaves[3].body, b"a\nb\r\nc\rd",
        "a file keeps its line ends"
    );
    assert!(
        leaves[3]
            .raw("Content-Disposition")
            .expect("present")
            .starts_with("attachment")
    );

    let without_html = read(EmailMessage::new("s", "text").with_attachment(image));
    assert_eq!(without_html.media_type(), "multipart/mixed");

    let mut only_html = html;
    only_html.text = None;
    assert_eq!(read(only_html.clone()).media_type(), "text/html");
    only_html.html = None;
    assert_eq!(refused(only_html), "request fault no_body");
}

#[test]
fn unsubscription_has_the_spelling_of_rfc_8058() {
    let links = ListUnsubscribe::new("https://example.com/u/token")
        .expect("https")
        .with_mailto("mailto:u+token@example.com?subject=unsubscribe");
    let mut envelope = envelope(EmailMessage::new("News", "hello").with_list_unsubscribe(links));
    envelope.class = Class::Marketing;
    let mail = Part::parse(&built(&envelope).expect("builds").bytes);
    assert_eq!(
        mail.raw("List-Unsubscribe"),
        Some("<https://example.com/u/token>, <mailto:u+token@example.com?subject=unsubscribe>")
    );
    assert_eq!(
        mail.raw("List-Unsubscribe-Post"),
        Some("List-Unsubscribe=One-Click")
    );
    assert_eq!(
        mail.raw("Auto-Submitted"),
        None,
        "marketing is no robot's answer"
    );
}

fn of_class(class: Class, category: &str) -> Part {
    let mut envelope = envelope(EmailMessage::new("s", "t"));
    (envelope.class, envelope.category) = (class, category.to_owned().into());
    Part::parse(&built(&envelope).expect("builds").bytes)
}

#[test]
fn marketing_names_its_list_and_everything_else_says_that_no_human_wrote_it() {
    let news = of_class(Class::Marketing, "news.weekly");
    assert_eq!(news.raw("List-Id"), Some("<news.weekly.example.com>"));
    assert_eq!(news.raw("Auto-Submitted"), None);
    for class in [Class::Transactional, Class::Critical] {
        let mail = of_class(class, "orders");
        assert_eq!(mail.raw("Auto-Submitted"), Some("auto-generated"));
        assert_eq!(mail.raw("List-Id"), None);
    }
    for class in [Class::Marketing, Class::Transactional, Class::Critical] {
        assert_eq!(of_class(class, "x").raw("Precedence"), None);
    }
}

#[test]
fn any_category_makes_a_list_that_rfc_2919_allows() {
    for (category, list) in [
        ("special offers", "<special-offers.example.com>"),
        ("a..b.", "<a.b.example.com>"),
        ("новости", "<-------.example.com>"),
        ("...", "<list.example.com>"),
        (
            "x>\r\nBcc: eve@example.com",
            "<x---Bcc--eve-example.com.example.com>",
        ),
    ] {
        let mail = of_class(Class::Marketing, category);
        assert_eq!(mail.raw("List-Id"), Some(list), "{category:?}");
    }
    let long = of_class(Class::Marketing, &"x".repeat(400));
    let list = long.raw("List-Id").expect("present");
    assert_eq!(list.len() - 2, 255);
    assert!(list.ends_with(".example.com>"));
}

#[test]
fn the_list_is_at_the_domain_of_the_sender() {
    let mut email = EmailMessage::new("s", "t");
    email.from = Some(Mailbox::new("", "news@пример.рф").expect("a mailbox"));
    let mut envelope = envelope(email.clone());
    (envelope.class, envelope.category) = (Class::Marketing, "news".into());
    let mail = Part::parse(&built(&envelope).expect("builds").bytes);
    assert_eq!(mail.raw("List-Id"), Some("<news.xn--e1afmkfd.xn--p1ai>"));
}

#[test]
fn the_correlation_id_goes_along_and_cannot_become_another_header() {
    let with = |id: &str| {
        let mut envelope = envelope(EmailMessage::new("s", "t"));
        envelope.correlation_id = Some(id.into());
        Part::parse(&built(&envelope).expect("builds").bytes)
    };
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(with(trace).raw("X-Correlation-ID"), Some(trace));
    let hostile = with("a b\r\nBcc: eve@example.com\0é");
    assert_eq!(
        hostile.raw("X-Correlation-ID"),
        Some("abBcc:eve@example.com")
    );
    assert_eq!(hostile.raw("Bcc"), None);
    for nothing in ["", " \t", "дом"] {
        assert_eq!(with(nothing).raw("X-Correlation-ID"), None);
    }
    let long = with(&"x".repeat(5_000));
    assert_eq!(long.raw("X-Correlation-ID").map(str::len), Some(255));
    assert_eq!(
        read(EmailMessage::new("s", "t")).raw("X-Correlation-ID"),
        None
    );
}

#[test]
fn a_list_or_correlation_id_of_the_message_itself_wins() {
    let email = EmailMessage::new("s", "t")
        .with_header("list-id", "Weekly <weekly.example.com>")
        .with_header("X-Correlation-Id", "mine");
    let mut envelope = envelope(email);
    envelope.class = Class::Marketing;
    envelope.correlation_id = Some("theirs".into());
    let mail = Part::parse(&built(&envelope).expect("builds").bytes);
    assert_eq!(mail.raw("List-Id"), Some("Weekly <weekly.example.com>"));
    assert_eq!(mail.raw("X-Correlation-ID"), Some("mine"));
    let count = |wanted: &str| names(&mail).iter().filter(|name| *name == wanted).count();
    assert_eq!((count("list-id"), count("x-correlation-id")), (1, 1));
}

#[test]
fn a_message_cannot_set_what_decides_where_it_goes_or_how_it_is_read() {
    for name in [
        "From",
        "to",
        "BCC",
        "Date",
        "Content-Type",
        "content-transfer-encoding",
        "DKIM-Signature",
        "Resent-To",
        "Message-ID",
    ] {
        assert_eq!(
            refused(EmailMessage::new("s", "t").with_header(name, "x")),
            "request fault header_reserved",
            "{name}"
        );
    }
    for name in ["", "X Y", "X:Y", "X\r\nBcc", "Х", "X\0", "X\t"] {
        assert_eq!(
            refused(EmailMessage::new("s", "t").with_header(name, "x")),
            "request fault header_name",
            "{name:?}"
        );
    }
    for value in [
        "a\r\nBcc: eve@example.com",
        "a\nb",
        "a\rb",
        "a\0b",
        "a\u{85}b",
    ] {
        assert_eq!(
            refused(EmailMessage::new("s", "t").with_header("X-Tag", value)),
            "request fault header_value",
            "{value:?}"
        );
    }
    let twice = EmailMessage::new("s", "t")
        .with_header("X-Tag", "1")
        .with_header("x-tag", "2");
    assert_eq!(refused(twice), "request fault header_duplicate");
    assert_eq!(
        refused(EmailMessage::new("s", "t").with_header("auto-submitted", "no")),
        "request fault header_duplicate"
    );
}

#[test]
fn every_other_door_into_the_header_is_shut_too() {
    let bad = "x\r\nBcc: eve@example.com";
    assert_eq!(
        refused(EmailMessage::new(bad, "t")),
        "request fault header_subject"
    );
    let with = |file: Attachment| {
        EmailMessage::new("s", "t")
            .with_html("h")
            .with_attachment(file)
    };
    assert_eq!(
        refused(with(Attachment::new(bad, "text/plain", vec![]))),
        "request fault attachment_name"
    );
    assert_eq!(
        refused(with(Attachment::new("a", bad, vec![]))),
        "request fault attachment_media_type"
    );
    assert_eq!(
        refused(with(Attachment::new("a", "text/plain", vec![]).inline(bad))),
        "request fault attachment_content_id"
    );
    // Deserialised mailboxes and links have passed no constructor.
    let mailbox = |name: &str, email: &str| {
        serde_json::from_value(serde_json::json!({ "name": name, "email": email })).expect("reads")
    };
    let mut email = EmailMessage::new("s", "t");
    email.from = Some(mailbox(bad, "a@example.com"));
    assert_eq!(refused(email.clone()), "request fault header_from");
    email.from = None;
    email.reply_to = Some(mailbox("", "a@example.com>\r\nBcc: eve@example.com"));
    assert_eq!(refused(email), "request fault header_reply_to");
    let links = serde_json::json!({ "https": "https://example.com/>\r\nBcc: eve@example.com" });
    let email = EmailMessage::new("s", "t")
        .with_list_unsubscribe(serde_json::from_value(links).expect("reads"));
    assert_eq!(refused(email), "request fault header_list_unsubscribe");
    let address = Address::email("ada@example.org>\r\nRCPT TO:<eve@example.com");
    let envelope = Envelope::new("k", address, Message::new(EmailMessage::new("s", "t")));
    assert_eq!(
        built(&envelope).map(|_| ()).expect_err("refused"),
        Fault::recipient("bad_address")
    );
}

#[test]
fn a_line_that_servers_would_break_is_refused() {
    let email = EmailMessage::new("s", "t").with_header("X-Tag", "x".repeat(2_000));
    assert_eq!(refused(email), "request fault line_too_long");
    assert!(
        built(&envelope(EmailMessage::new("s", "x".repeat(5_000)))).is_ok(),
        "a long line of text is encoded"
    );
}

#[test]
fn two_readings_of_a_line_end_are_the_last_thing_looked_for() {
    for (bytes, code) in [
        (&b"a\nb\r\n"[..], "bare_newline"),
        (b"a\rb\r\n", "bare_newline"),
        (b"a\r\r\nb\r\n", "bare_newline"),
        (b"\n.\r\n", "bare_newline"),
        (b"a\0\r\n", "nul"),
    ] {
        assert_eq!(check_lines(bytes), Err(Fault::request(code)), "{bytes:?}");
    }
    assert_eq!(
        check_lines(&[&[b'x'; 998][..], b"\r\n\r\n.\r\n"].concat()),
        Ok(())
    );
    assert_eq!(
        check_lines(&[b'x'; 999]),
        Err(Fault::request("line_too_long"))
    );
}

#[test]
fn a_message_or_an_address_of_another_channel_is_refused() {
    let sms = Message::new(notify_core::channel::SmsMessage::new("hello"));
    let wrong = Envelope::new("k", Address::email("ada@example.org"), sms);
    assert_eq!(
        built(&wrong).map(|_| ()).expect_err("refused"),
        Fault::request("wrong_channel")
    );
    let wrong = Envelope::new(
        "k",
        Address::phone("+15550100"),
        Message::new(EmailMessage::new("s", "t")),
    );
    assert_eq!(
        built(&wrong).map(|_| ()).expect_err("refused"),
        Fault::request("wrong_scheme")
    );
}

#[test]
fn a_clock_that_is_far_off_makes_no_panic() {
    for now in [Timestamp::from_micros(i64::MIN), Timestamp::MAX] {
        assert!(compose(&envelope(EmailMessage::new("s", "t")), &defaults(), now).is_ok());
    }
}

/// The names of all headers, in order: what injection would change.
fn names(part: &Part) -> Vec<String> {
    part.headers
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect()
}

/// Text that looks for the seams.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\0".to_owned()),
        Just("\r\n.\r\n".to_owned()),
        Just("Bcc: eve@example.com".to_owned()),
        Just("=?utf-8?b?".to_owned()),
        Just("?=".to_owned()),
        Just("--".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just(";".to_owned()),
        Just("<".to_owned()),
        Just(">".to_owned()),
        Just("   ".to_owned()),
        Just("\t".to_owned()),
        ".{0,12}",
        "[a-z ]{0,90}",
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is given, the mail is refused or has exactly the headers it should have.
    #[test]
    fn no_text_makes_another_header(subject in hostile(), value in hostile(), name in hostile(), text in hostile(), file in hostile()) {
        let mut email = EmailMessage::new(subject.clone(), text.clone()).with_html("<p>");
        let correlation_id = format!("{value}x");
        email.headers.push(("X-Tag".into(), value.clone()));
        email.from = Mailbox::new(name, "news@example.com").ok();
        email.attachments.push(Attachment::new(file, "application/octet-stream", text.clone().into_bytes()));
        let mut envelope = envelope(email);
        envelope.correlation_id = Some(correlation_id.into());
        match built(&envelope) {
            Ok(mail) => {
                let part = Part::parse(&mail.bytes);
                prop_assert_eq!(names(&part), [
                    "date", "from", "to", "message-id", "subject", "auto-submitted", "x-auto-response-suppress",
                    "x-correlation-id", "x-notification-id", "x-delivery-id", "x-tag", "mime-version", "content-type",
                ]);
                prop_assert_eq!(part.leaves().len(), 3);
                let leaves = part.leaves();
                prop_assert_eq!(&leaves[2].body, text.as_bytes());
                prop_assert!(mail.bytes.is_ascii());
                let lines = text.replace("\r\n", "\n").replace('\r', "\n");
                prop_assert_eq!(leaves[0].text(), lines);
                if !subject.contains("=?") && subject.is_ascii() {
                    prop_assert_eq!(part.raw("subject"), Some(subject.as_str()));
                }
            }
            Err(fault) => prop_assert_eq!(fault.kind().as_str(), "request"),
        }
    }
}
