//! What templates say in the reader's language, what they need to be told, and trying them out.

use notify_core::channel::{Channel, EmailChannel, Escape, Part, PushChannel, SmsChannel};
use notify_core::id::NotificationId;
use notify_core::template::{
    Engine, Partial, PluralCategory, RenderContext, Template, TemplateSet, Templates,
    TranslationEntry, Translations, Variable,
};
use notify_core::{ChannelId, Error, ErrorKind, Locale, Recipient, TemplateName, Timestamp};
use serde_json::{Value, json};

const TEXT: Part = Part::required("text", Escape::Text);
const HTML: Part = Part::required("html", Escape::Html);

fn one(part: &str, source: &str) -> Templates {
    Templates::new().add(Template::new("t", "email", "en").with_part(part, source))
}

fn render(set: &TemplateSet, part: Part, data: Value) -> Result<String, Error> {
    let (en, name) = (Locale::new("en"), TemplateName::new("t"));
    let context = RenderContext::new(&en, &en, Timestamp::EPOCH);
    let engine = Engine::compile(set)?;
    let template = engine
        .resolve(&name, &ChannelId::EMAIL, &en, &en)
        .expect("resolves");
    Ok(template.render(&[part], &data, &context)?.remove(0).1)
}

fn text(source: &str, data: Value) -> String {
    render(&one("text", source), TEXT, data).expect(source)
}

fn words() -> Templates {
    let plural = |forms: &[(PluralCategory, &str)]| TranslationEntry::plural(forms.iter().copied());
    use PluralCategory::{Few, Many, One, Other};
    Templates::new()
        .add_translations(
            Translations::new("en")
                .with("hello", "Hello {name}")
                .with("only.en", "English only")
                .with("bold", "<b>{name}</b>")
                .with(
                    "items",
                    plural(&[(One, "{count} item"), (Other, "{count} items")]),
                ),
        )
        .add_translations(
            Translations::new("ru")
                .with("hello", "Привет, {name}")
                .with(
                    "items",
                    plural(&[
                        (One, "{count} товар"),
                        (Few, "{count} товара"),
                        (Many, "{count} товаров"),
                        (Other, "{count} товара"),
                    ]),
                ),
        )
        .add_translations(Translations::new("de").with("hello", "Hallo {name}"))
}

fn in_locale(set: &TemplateSet, part: Part, locale: &str, data: Value) -> Result<String, Error> {
    let (locale, en, name) = (
        Locale::from(locale),
        Locale::new("en"),
        TemplateName::new("t"),
    );
    let engine = Engine::compile(set)?;
    let template = engine
        .resolve(&name, &ChannelId::EMAIL, &locale, &en)
        .expect("resolves");
    let context =
        RenderContext::new(&locale, &en, Timestamp::EPOCH).with_zone(Some("Europe/Berlin"));
    Ok(template.render(&[part], &data, &context)?.remove(0).1)
}

#[test]
fn translations_follow_the_reader_with_plural_forms_and_a_fallback() {
    let source = "{{t \"hello\" name=name}}, {{t \"items\" count=n}}. {{t \"only.en\"}}";
    let set = words().add(Template::new("t", "email", "en").with_part("text", source));
    for (locale, n, expected) in [
        ("en", 1, "Hello Ada, 1 item. English only"),
        ("en-GB", 1_500, "Hello Ada, 1,500 items. English only"),
        ("ru", 1, "Привет, Ada, 1 товар. English only"),
        ("ru-KZ", 3, "Привет, Ada, 3 товара. English only"),
        ("ru", 1_011, "Привет, Ada, 1\u{a0}011 товаров. English only"),
        ("de", 2, "Hallo Ada, 2 items. English only"),
        ("ja", 2, "Hello Ada, 2 items. English only"),
    ] {
        let data = json!({ "name": "Ada", "n": n });
        assert_eq!(
            in_locale(&set, TEXT, locale, data).expect(locale),
            expected,
            "{locale}"
        );
    }
}

#[test]
fn translations_name_what_they_lack() {
    for (source, expected) in [
        ("{{t \"hello\"}}", "the translation needs name=…"),
        (
            "{{t \"items\"}}",
            "the translation has plural forms and needs count=…",
        ),
        ("{{t \"items\" count=\"x\"}}", "the count of t is no number"),
        ("{{t \"hello\" name=gone}}", "variable gone is missing"),
        (
            "{{t key}}",
            "there is no translation that was computed in en or en",
        ),
    ] {
        let set = words().add(Template::new("t", "email", "en").with_part("text", source));
        let error = render(&set, TEXT, json!({ "key": "secret" }))
            .expect_err(source)
            .to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}

#[test]
fn arguments_of_translations_are_escaped_even_where_the_text_is_html() {
    let set = words().add(Template::new("t", "email", "en").with_part(
        "html",
        "{{t \"bold\" name=x}}{{{t \"bold\" name=x}}}{{{truncate (t \"bold\" name=x) 9}}}",
    ));
    let rendered = render(&set, HTML, json!({ "x": "<i>" })).expect("renders");
    assert_eq!(
        rendered,
        "&lt;b&gt;&lt;i&gt;&lt;/b&gt;<b>&lt;i&gt;</b><b>&lt;i…"
    );
}

#[test]
fn numbers_amounts_and_dates_are_the_readers() {
    let source = "{{number n decimals=2}} {{currency n \"EUR\"}} {{date at format=\"datetime\"}} {{date at zone=\"UTC\" format=\"time\"}}";
    let set = Templates::new()
        .add(Template::new("t", "email", "en").with_part("text", source))
        .add(Template::new("t", "email", "de").with_part("text", source));
    let data = json!({ "n": 1234.5, "at": "2026-03-05T23:30:00Z" });
    let english = "1,234.50 €1,234.50 Mar 6, 2026, 12:30 AM 11:30 PM";
    assert_eq!(
        in_locale(&set, TEXT, "en", data.clone()).expect("en"),
        english
    );
    let german = "1.234,50 1.234,50\u{a0}€ 06.03.2026, 00:30 23:30";
    assert_eq!(
        in_locale(&set, TEXT, "de-DE", data.clone()).expect("de"),
        german
    );
    // A French reader gets the English text, so its numbers are English too.
    assert_eq!(in_locale(&set, TEXT, "fr", data).expect("fr"), english);
    assert_eq!(
        text(
            "{{number a}}{{date a}}{{currency a \"EUR\"}}{{truncate a 3}}",
            json!({ "a": null })
        ),
        ""
    );
}

#[test]
fn system_variables_are_there_and_links_cannot_be_replaced() {
    let en = Locale::new("en");
    let ada = Recipient::new("u-1").with_attribute("name", "Ada");
    let id = NotificationId::from_u128(7);
    let context = RenderContext::new(&en, &en, Timestamp::EPOCH)
        .with_unsubscribe_url(Some("https://example.com/u"))
        .with_notification_id(id)
        .with_recipient(&ada);
    let source = "{{unsubscribe_url}} {{year}} {{notification_id}} {{recipient.name}} {{recipient.id}}{{#if preferences_url}}!{{/if}}";
    let set = one("text", source);
    let engine = Engine::compile(&set).expect("compiles");
    let template = engine
        .resolve(&"t".into(), &ChannelId::EMAIL, &en, &en)
        .expect("resolves");
    assert!(
        template.check_variables(&Value::Null).is_ok(),
        "they are not asked of the data"
    );
    let render = |data: Value| {
        template
            .render(&[TEXT], &data, &context)
            .expect("renders")
            .remove(0)
            .1
    };
    assert_eq!(
        render(json!({})),
        format!("https://example.com/u 1970 {id} Ada u-1")
    );
    let data = json!({ "unsubscribe_url": "https://evil.example", "year": 1999, "notification_id": "x", "recipient": { "name": "Eve", "id": 2 } });
    assert_eq!(render(data), "https://example.com/u 1999 x Eve 2");
}

#[test]
fn variables_are_checked_before_anything_is_rendered() {
    let declared = Template::new("t", "email", "en")
        .with_part("text", "{{#if order}}{{order.id}}{{/if}}")
        .with_variable(Variable::required("order.id"))
        .with_variable(Variable::required("total"))
        .with_variable(Variable::optional("note"));
    let plain = Template::new("u", "email", "en")
        .with_part("text", "{{order.id}} {{number total}} {{default x 1}} {{#if y}}{{z}}{{/if}} {{year}} {{> p k=1}} {{this.order.id}} {{@root.r}}");
    let set = Templates::new()
        .add(declared)
        .add(plain)
        .add_partial(Partial::new("p", "{{k}}{{q}}"));
    let engine = Engine::compile(&set).expect("compiles");
    let en = Locale::new("en");
    let template = |name: &'static str| {
        engine
            .resolve(&TemplateName::new(name), &ChannelId::EMAIL, &en, &en)
            .expect("resolves")
    };
    assert!(
        template("t")
            .check_variables(&json!({ "order": { "id": 1 }, "total": 2 }))
            .is_ok()
    );
    let error = template("t")
        .check_variables(&json!({ "order": { "id": null } }))
        .expect_err("lacks");
    assert_eq!(error.kind(), ErrorKind::Template);
    assert_eq!(
        error.to_string(),
        "template t, channel email, locale en: the data lacks order.id, total"
    );
    assert_eq!(
        template("t")
            .check_variables(&json!([]))
            .expect_err("a list")
            .field_name(),
        Some("data")
    );
    assert_eq!(
        template("u").required_variables(),
        ["order.id", "q", "r", "total"]
    );
    let data = json!({ "order": { "id": null }, "q": 1, "r": 2, "total": 3 });
    assert!(
        template("u").check_variables(&data).is_ok(),
        "null prints as nothing"
    );
}

#[test]
fn a_template_is_tried_with_its_sample_before_it_is_saved() {
    let set = words().add_partial(Partial::new("row", "{{n}}"));
    let base = Template::new("t", "sms", "en");
    let fine = base.clone().with_part(
        "text",
        "{{t \"hello\" name=name}} {{> row n=1}} {{unsubscribe_url}}",
    );
    assert!(Engine::check(&fine, &set).is_ok(), "nothing to try it with");
    let fine = fine.with_variable(Variable::required("name").with_sample("Ada"));
    assert!(Engine::check(&fine, &set).is_ok());

    let check = |template: Template| {
        Engine::check(&template, &set)
            .expect_err("wrong")
            .to_string()
    };
    let typo = base
        .clone()
        .with_part("text", "{{nmae}}")
        .with_variable(Variable::required("name").with_sample("Ada"));
    assert_eq!(check(typo), "template t: variable nmae is not declared");
    let hidden = base
        .clone()
        .with_part("text", "{{#if name}}{{nmae}}{{/if}}")
        .with_variable(Variable::required("name").with_sample("Ada"));
    assert!(check(hidden).ends_with("line 1: variable nmae is missing"));
    let nothing = base.clone().with_part("text", "{{#if (eq a 1)}}x{{/if}}");
    assert!(
        check(nothing).ends_with("variable a is missing"),
        "it needs data, and says so"
    );
    let syntax = base.clone().with_part("text", "{{#if}}");
    assert!(check(syntax).contains("part text, line 1"));
    assert_eq!(
        Engine::check(&base, &set).expect_err("no parts").kind(),
        ErrorKind::Invalid
    );
}

#[test]
fn a_preview_shows_what_the_reader_gets() {
    let set = Templates::new()
        .add(
            Template::new("t", "email", "en")
                .with_part("subject", "Hi {{a.b}}\n{{c}}")
                .with_part("html", "<p>{{a.b}}</p>")
                .with_variable(Variable::required("a.b").with_sample("<Ada>"))
                .with_sample(json!({ "c": 1 })),
        )
        .add(Template::new("t", "email", "de").with_part("subject", "{{#if"));
    let (en, de) = (Locale::new("en"), Locale::new("de"));
    let channel = EmailChannel::new();
    let shown = Engine::preview(
        &set,
        &"t".into(),
        &channel,
        None,
        &RenderContext::sample(&en, &en),
    )
    .expect("shows");
    assert_eq!(shown["subject"], "Hi <Ada> 1");
    assert_eq!(shown["html"], "<p>&lt;Ada&gt;</p>");
    let broken = Engine::preview(
        &set,
        &"t".into(),
        &channel,
        None,
        &RenderContext::sample(&de, &en),
    );
    assert_eq!(broken.expect_err("broken").kind(), ErrorKind::Template);
    let gone = Engine::preview(
        &set,
        &"u".into(),
        &channel,
        None,
        &RenderContext::sample(&de, &en),
    );
    assert_eq!(gone.expect_err("gone").kind(), ErrorKind::NotFound);
}

#[test]
fn parts_that_do_not_fit_the_channel_are_named() {
    let engine = Engine::compile(&one("boddy", "x")).expect("compiles");
    let template = engine.templates().next().expect("one");
    let error = template
        .check_parts(&[TEXT])
        .expect_err("lacks text")
        .to_string();
    assert!(error.ends_with("lacks the part text"), "{error}");
    let error = template
        .check_parts(&[Part::optional("text", Escape::Text)])
        .expect_err("unknown");
    assert!(
        error.to_string().ends_with("the channel has no part boddy"),
        "{error}"
    );
    let en = Locale::new("en");
    let context = RenderContext::new(&en, &en, Timestamp::EPOCH);
    assert!(template.render(&[TEXT], &Value::Null, &context).is_err());
}

#[test]
fn a_template_for_any_channel_stands_in_under_the_channels_own_names() {
    let set = Templates::new()
        .add(
            Template::new("t", "*", "en")
                .with_part("title", "T")
                .with_part("body", "B"),
        )
        .add(Template::new("t", "sms", "en").with_part("text", "S"));
    let engine = Engine::compile(&set).expect("compiles");
    let en = Locale::new("en");
    let context = RenderContext::new(&en, &en, Timestamp::EPOCH);
    let parts = |channel: &dyn Channel| {
        let template = engine
            .resolve(&"t".into(), &channel.id(), &en, &en)
            .expect("resolves");
        template
            .check_parts(channel.parts())
            .expect("fills the channel");
        let parts = template
            .render(channel.parts(), &Value::Null, &context)
            .expect("renders");
        parts
            .into_iter()
            .map(|(name, text)| format!("{name}={text}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(parts(&EmailChannel::new()), "subject=T text=B");
    assert_eq!(parts(&PushChannel::new()), "title=T body=B");
    assert_eq!(parts(&SmsChannel::new()), "text=S");
}
