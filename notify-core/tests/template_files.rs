//! Folders of templates: what is read, and which file and line an error names.

use notify_core::channel::{Channel, EmailChannel, PushChannel, SmsChannel};
use notify_core::template::{Engine, RenderContext, Template, Templates};
use notify_core::{ErrorKind, Locale, TemplateName};
use std::fs;
use std::path::Path;

fn fixtures() -> Templates {
    Templates::from_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates"))
        .expect("reads")
}

#[test]
fn a_folder_is_read_with_its_partials_and_translations() {
    let set = fixtures();
    let mut names: Vec<_> = set
        .templates
        .iter()
        .map(|t| format!("{} {} {}", t.name, t.channel, t.locale))
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "account/locked sms en",
            "order_shipped * en",
            "order_shipped email de",
            "order_shipped email en"
        ]
    );
    let mut partials: Vec<_> = set.partials.iter().map(|p| p.name.as_str()).collect();
    partials.sort_unstable();
    assert_eq!(partials, ["footer", "layouts/base"]);
    for template in &set.templates {
        Engine::check(template, &set).expect("fits its own sample");
    }
}

#[test]
fn what_is_read_renders() {
    let set = fixtures();
    let (en, de) = (Locale::new("en"), Locale::new("de-AT"));
    let name = TemplateName::new("order_shipped");
    let preview = |channel: &dyn Channel, locale| {
        let context = RenderContext::sample(locale, &en);
        Engine::preview(&set, &name, channel, None, &context).expect("renders")
    };
    let email = preview(&EmailChannel::new(), &en);
    assert_eq!(email["subject"], "Order A-17 is on its way");
    assert_eq!(
        email["text"],
        "Hello Ada,\n\n3 items will arrive on March 5, 2026.\n--- This line is no section."
    );
    assert_eq!(
        email["html"],
        "<h1>On its way</h1>\n<p>Hello Ada,</p>\n<p>3 items will arrive on March 5, 2026.</p>\n\
         <p><a href=\"https://example.com/unsubscribe\">Unsubscribe</a> © 2026</p>"
    );
    let german = preview(&EmailChannel::new(), &de);
    assert_eq!(
        german["text"],
        "Hallo Ada,\n\n3 Artikel, Ankunft am 5. März 2026."
    );
    assert!(!german.contains_key("html"));
    assert_eq!(
        preview(&PushChannel::new(), &de)["body"],
        "Order A-17 is on its way."
    );
    let context = RenderContext::sample(&en, &en).with_zone(Some("Europe/Berlin"));
    let sms = Engine::preview(
        &set,
        &"account/locked".into(),
        &SmsChannel::new(),
        None,
        &context,
    );
    assert_eq!(
        sms.expect("renders")["text"],
        "Your account is locked until 1:00 PM."
    );
}

#[test]
fn the_same_folder_has_the_same_release_on_every_host() {
    assert_eq!(fixtures().release_id(), fixtures().release_id());
    assert_eq!(
        fixtures().release_id(),
        Engine::compile(&fixtures()).expect("compiles").release()
    );
}

/// A file, what is in it, and what its author is told.
const MISTAKES: &[(&str, &str, ErrorKind, &str)] = &[
    (
        "a/sms.en.hbs",
        "x\n{{#if y}}",
        ErrorKind::Template,
        "a/sms.en.hbs, line 2: this block is not closed",
    ),
    (
        "a/email.en.hbs",
        "--- subject\nx\n--- text\n\n{{.Name}}",
        ErrorKind::Template,
        "a/email.en.hbs, line 5: Handlebars has no leading dot",
    ),
    (
        "a/email.en.hbs",
        "--- text\n{{#if a}}\n{{/each}}",
        ErrorKind::Template,
        "a/email.en.hbs, line 3: the block",
    ),
    (
        "a/email.en.hbs",
        "x\n--- text\n",
        ErrorKind::Template,
        "a/email.en.hbs, line 1: text before the first section",
    ),
    (
        "a/email.en.hbs",
        "--- text\n--- text\n",
        ErrorKind::Template,
        "a/email.en.hbs, line 2: part text was there before",
    ),
    (
        "_partials/p.hbs",
        "\n{{x",
        ErrorKind::Template,
        "_partials/p.hbs, line 2: this tag is not closed",
    ),
    (
        "_partials/p q.hbs",
        "x",
        ErrorKind::Config,
        "_partials/p q.hbs: partial.name",
    ),
    (
        "a/email.hbs",
        "x",
        ErrorKind::Config,
        "a/email.hbs: is not named <channel>.<locale>.hbs",
    ),
    (
        "a/vars.json",
        "{}",
        ErrorKind::Config,
        "a/vars.json: is neither variables.json nor sample.json",
    ),
    (
        "a/variables.json",
        "{\n\"x\": { \"need\": true }\n}",
        ErrorKind::Config,
        "a/variables.json: line 2: is not the JSON",
    ),
    (
        "a/sample.json",
        "{\n\n",
        ErrorKind::Config,
        "a/sample.json: line 3: is not the JSON",
    ),
    (
        "_locales/en.json",
        "{ \"a\": { \"b\": 1 } }",
        ErrorKind::Config,
        "_locales/en.json: a.b is neither a text nor an object",
    ),
    (
        "_local/en.json",
        "{}",
        ErrorKind::Config,
        "_local: is neither _partials nor _locales",
    ),
    (
        "a/b/c/d/e/f/g/h/i/sms.en.hbs",
        "x",
        ErrorKind::Config,
        "is nested deeper than 8 folders",
    ),
];

#[test]
fn errors_name_file_and_line() {
    for (file, content, kind, expected) in MISTAKES {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(&path, content).expect("written");
        let error = Templates::from_dir(folder.path()).expect_err(file);
        assert_eq!(error.kind(), *kind, "{error}");
        assert!(error.to_string().contains(expected), "{error}\n{expected}");
    }
}

#[test]
fn files_that_are_not_text_or_not_there_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("a")).expect("made");
    fs::write(folder.path().join("a/sms.en.hbs"), b"fine\nnot \xff fine").expect("written");
    let error = Templates::from_dir(folder.path())
        .expect_err("no text")
        .to_string();
    assert!(
        error.ends_with("a/sms.en.hbs: line 2: is not UTF-8"),
        "{error}"
    );
    let error = Templates::from_dir(folder.path().join("none")).expect_err("not there");
    assert_eq!(error.kind(), ErrorKind::Config);
    fs::write(folder.path().join("a/sms.en.hbs"), vec![b'x'; 1_100_000]).expect("written");
    assert!(
        Templates::from_dir(folder.path())
            .expect_err("large")
            .to_string()
            .contains("is larger than")
    );
}

#[test]
fn files_and_code_say_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("hello")).expect("made");
    fs::create_dir_all(folder.path().join(".git")).expect("made");
    fs::write(
        folder.path().join("hello/chat.slack.pt-BR.hbs"),
        "Olá {{name}}\r\n",
    )
    .expect("written");
    fs::write(folder.path().join("hello/notes.txt"), "{{").expect("written");
    let read = Templates::from_dir(folder.path()).expect("reads");
    let built = Templates::new()
        .add(Template::new("hello", "chat.slack", "pt-BR").with_part("text", "Olá {{name}}"));
    assert_eq!(read, built);
}
