//! What templates print: variables, blocks, partials, helpers, languages, and what they say when they cannot.

use notify_core::channel::{Escape, Part};
use notify_core::template::{
    Engine, Partial, RenderContext, RenderData, Template, TemplateSet, Templates, Translations,
};
use notify_core::{ChannelId, Error, ErrorKind, Locale, TemplateName, Timestamp};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
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

fn html(source: &str, data: Value) -> String {
    render(&one("html", source), HTML, data).expect(source)
}

fn fault(source: &str, data: Value) -> String {
    let error = render(&one("text", source), TEXT, data).expect_err(source);
    assert_eq!(error.kind(), ErrorKind::Template, "{source}");
    let text = error.to_string();
    text.strip_prefix("template t, channel email, locale en, part text, ")
        .expect(&text)
        .to_owned()
}

#[test]
fn variables_blocks_and_loops_print_what_they_are_given() {
    let data = json!({
        "order": { "id": "A-17", "lines": [{ "name": "Cup", "n": 2 }, { "name": "Pot", "n": 1 }] },
        "paid": true, "note": null, "tags": [],
    });
    for (source, expected) in [
        ("Order {{order.id}}", "Order A-17"),
        ("{{#if paid}}paid{{else}}open{{/if}}", "paid"),
        (
            "{{#if refund}}refund{{else if paid}}paid{{else}}open{{/if}}",
            "paid",
        ),
        ("{{#unless paid}}open{{else}}done{{/unless}}", "done"),
        (
            "{{#each order.lines}}{{@index}}:{{n}}×{{name}};{{/each}}",
            "0:2×Cup;1:1×Pot;",
        ),
        (
            "{{#each order.lines as |line i|}}{{i}}{{line.name}} {{../order.id}};{{/each}}",
            "0Cup A-17;1Pot A-17;",
        ),
        ("{{#each tags}}x{{else}}none{{/each}}", "none"),
        ("{{#with order}}{{id}}{{/with}}", "A-17"),
        ("{{order.lines.1.name}}{{note}}", "Pot"),
        (
            "{{#if missing}}x{{/if}}\\{{order}}{{! gone }}{{!-- {{gone}} --}}",
            "{{order}}",
        ),
        (
            "{{lookup order \"id\"}} {{lookup order.lines.0 \"n\"}} {{len order.lines}}",
            "A-17 2 2",
        ),
        (
            "{{default missing \"-\"}}{{default note \"-\"}}{{default order.id \"-\"}}",
            "--A-17",
        ),
        ("{{#if (and paid (gt order.lines.0.n 1))}}yes{{/if}}", "yes"),
        ("{{#if (or missing (not paid))}}yes{{else}}no{{/if}}", "no"),
        (
            "{{eq order.id \"A-17\"}} {{ne 1 2}} {{lte 2 2}} {{gte \"a\" \"b\"}} {{lt 1 1.5}}",
            "true true true false true",
        ),
        ("{{truncate order.id 3}}", "A-…"),
    ] {
        assert_eq!(text(source, data.clone()), expected, "{source}");
    }
}

#[test]
fn a_variable_may_be_called_as_a_helper() {
    let data = json!({ "date": "today", "number": 7, "len": "long", "t": { "x": 1 }, "log": "l", "if": 2 });
    assert_eq!(
        text("{{date}} {{number}} {{len}} {{t.x}} {{log}} {{if}}", data),
        "today 7 long 1 l 2"
    );
}

#[test]
fn a_missing_variable_is_an_error_that_names_it_and_its_place() {
    for (source, expected) in [
        ("a\nb {{order.id}}", "line 2: variable order.id is missing"),
        (
            "{{#each items}}\n{{name}}\n{{/each}}",
            "line 2: variable name is missing",
        ),
        (
            "{{#each lines}}x{{/each}}",
            "line 1: variable lines is missing",
        ),
        (
            "{{#with order}}x{{/with}}",
            "line 1: variable order is missing",
        ),
        (
            "{{truncate order.id 3}}",
            "line 1: variable order.id is missing",
        ),
        (
            "{{#if (eq status 1)}}x{{/if}}",
            "line 1: variable status is missing",
        ),
        (
            "{{lookup items.0 \"name\"}}",
            "line 1: variable items.0.name is missing",
        ),
        (
            "{{lookup items.0 secret}}",
            "line 1: variable items.0.… is missing",
        ),
        ("{{items.name}}", "line 1: a list has no field name"),
        ("{{default a b}}", "line 1: variable b is missing"),
        ("{{number text}}", "line 1: the argument of number is none"),
        (
            "{{date text}}",
            "line 1: the argument of date is no instant: 2026-03-05T12:00:00Z, a date, or microseconds",
        ),
        (
            "{{date at format=\"iso\"}}",
            "line 1: the format of date is one of short, medium, long, full, time, datetime",
        ),
        (
            "{{date at zone=\"Mars\"}}",
            "line 1: zone is no IANA time zone such as Europe/Paris",
        ),
        (
            "{{currency 1 \"eur\"}}",
            "line 1: the code of currency is none, such as EUR",
        ),
        (
            "{{number 1 decimals=21}}",
            "line 1: decimals is no number from 0 to 20",
        ),
    ] {
        let data = json!({ "items": [{}], "text": "pst!", "at": 0, "secret": "pst!" });
        let error = fault(source, data);
        assert_eq!(error, expected, "{source}");
        assert!(!error.contains("pst!"), "errors hold no data");
    }
}

/// What cannot work, and what its author is told.
const REFUSED: &[(&str, &str)] = &[
    (
        "{{.UserName}}",
        "line 1: Handlebars has no leading dot: write {{UserName}} for {{.UserName}}",
    ),
    (
        "\n{{#if .Paid}}x{{/if}}",
        "line 2: Handlebars has no leading dot: write {{Paid}} for {{.Paid}}",
    ),
    (
        "{{.}}",
        "line 1: Handlebars has no leading dot: write {{this}} for {{.this}}",
    ),
    ("{{nope x}}", "line 1: there is no helper nope"),
    ("{{log x}}", "line 1: there is no helper log"),
    (
        "{{#items}}x{{/items}}",
        "line 1: there is no block items: write {{#if x}}, {{#each x}} or {{#with x}}",
    ),
    (
        "{{#eq a b}}x{{/eq}}",
        "line 1: eq is no block: write {{#if (eq …)}}",
    ),
    (
        "{{if a b}}",
        "line 1: if is a block: write {{#if x}}…{{/if}}",
    ),
    ("{{#if a b}}x{{/if}}", "line 1: {{#if}} takes one argument"),
    (
        "{{truncate a}}",
        "line 1: truncate takes 2 argument(s), not 1",
    ),
    ("{{date a fmt=\"long\"}}", "line 1: date has no option fmt"),
    (
        "{{(eq a b)}}",
        "line 1: a helper is called without parentheses: {{helper argument}}",
    ),
    (
        "{{truncate (a) 1}}",
        "line 1: parentheses hold a helper and its arguments",
    ),
    (
        "{{t \"gone\"}}",
        "line 1: there is no translation gone in any language",
    ),
    (
        "{{len [1, 2]}}",
        "line 1: lists and objects cannot be written in a tag; give them as data",
    ),
    ("{{> gone}}", "line 1: there is no partial gone"),
    (
        "{{> (lookup a \"b\")}}",
        "line 1: a partial is included by its name, which cannot be computed",
    ),
    (
        "{{#*inline \"x\"}}x{{/inline}}",
        "line 1: inline partials ({{#*inline}}) are not supported: write a partial",
    ),
    ("{{#if a}}\nx", "line 1: this block is not closed"),
    (
        "{{#if a}}x{{/each}}",
        "line 1: the block if is closed by each",
    ),
    ("x{{/if}}", "line 1: this closes no block"),
    (
        "{{^a}}x{{/a}}",
        "line 1: this else belongs to no block; for {{^x}} write {{#unless x}}",
    ),
    ("\n{{a", "line 2: this tag is not closed"),
    (
        "{{a \"}}\"}}",
        "line 1: a string in a tag must be closed, and must not hold }}",
    ),
];

#[test]
fn what_cannot_work_is_refused_when_it_is_compiled() {
    for (source, expected) in REFUSED {
        assert_eq!(fault(source, json!({})), *expected, "{source}");
    }
}

#[test]
fn html_is_escaped_unless_the_author_says_otherwise() {
    let data = json!({ "x": "<b>&\"'`=", "list": ["<i>"], "map": { "<k>": "<v>" } });
    assert_eq!(
        html("{{x}}", data.clone()),
        "&lt;b&gt;&amp;&quot;&#x27;&#x60;&#x3D;"
    );
    assert_eq!(html("{{{x}}}{{&x}}", data.clone()), "<b>&\"'`=<b>&\"'`=");
    assert_eq!(
        html("{{#each list}}{{this}}{{/each}}{{list}}", data.clone()),
        "&lt;i&gt;[&lt;i&gt;]"
    );
    assert_eq!(
        html("{{#each map}}{{@key}}{{this}}{{/each}}", data.clone()),
        "&lt;k&gt;&lt;v&gt;"
    );
    assert_eq!(
        html(
            "{{truncate x 3}}{{default x 1}}{{lookup list 0}}",
            data.clone()
        ),
        "&lt;b…&lt;b&gt;&amp;&quot;&#x27;&#x60;&#x3D;&lt;i&gt;"
    );
    assert_eq!(text("{{x}}", data), "<b>&\"'`=");
}

#[test]
fn a_subject_is_one_line_whatever_the_data_holds() {
    let set = one("subject", "Hello {{name}}\n");
    let part = Part::required("subject", Escape::Line);
    let data = json!({ "name": "Ada\r\nBcc: all@example.com\u{0}\u{2028}!" });
    assert_eq!(
        render(&set, part, data).expect("renders"),
        "Hello Ada Bcc: all@example.com !"
    );
}

#[test]
fn partials_see_the_context_and_what_they_are_given() {
    let set = one(
        "html",
        "{{> hi}}|{{> hi name=\"Bob\"}}|{{#each items}}{{> row this sep=\",\"}}{{/each}}|{{> sub/deep}}|{{> 'hi'}}",
    )
    .add_partial(Partial::new("hi", "Hi {{name}}"))
    .add_partial(Partial::new("row", "{{@index}}{{n}}{{sep}}"))
    .add_partial(Partial::new("sub/deep", "<{{> hi name=items.0.n}}>"));
    let data = json!({ "name": "<Ada>", "items": [{ "n": 1 }, { "n": 2 }] });
    let expected = "Hi &lt;Ada&gt;|Hi Bob|01,12,|<Hi 1>|Hi &lt;Ada&gt;";
    assert_eq!(render(&set, HTML, data).expect("renders"), expected);
}

#[test]
fn layouts_are_filled_with_content_that_sees_where_it_was_written() {
    let set = one(
        "html",
        "{{#each items}}{{#> page title=name}}[{{name}} {{title}} {{../x}}]{{/page}}{{/each}}",
    )
    .add_partial(Partial::new(
        "base",
        "<{{#with inner}}{{> @partial-block}}{{/with}}>",
    ))
    .add_partial(Partial::new(
        "page",
        "{{#> base inner=\"i\"}}{{title}}:{{> @partial-block}}{{/base}}",
    ));
    let data = json!({ "x": "X", "items": [{ "name": "a" }, { "name": "b" }] });
    assert_eq!(
        render(&set, HTML, data).expect("renders"),
        "<a:[a a X]><b:[b b X]>"
    );

    let set = one("html", "{{> box}}{{#> box}}b{{/box}}").add_partial(Partial::new(
        "box",
        "({{#> @partial-block}}none{{/@partial-block}})",
    ));
    assert_eq!(render(&set, HTML, json!({})).expect("renders"), "(none)(b)");

    let set = one("html", "{{> box}}").add_partial(Partial::new("box", "\n({{> @partial-block}})"));
    let error = render(&set, HTML, json!({}))
        .expect_err("no content")
        .to_string();
    assert!(error.ends_with("in partial box, line 2: this partial has a place for content: include it with {{#> name}}…{{/name}}"), "{error}");
}

#[test]
fn a_partial_without_content_does_not_take_that_of_the_layout_around_it() {
    let set = one("html", "{{#> outer}}C{{/outer}}")
        .add_partial(Partial::new("outer", "{{> inner}}{{> @partial-block}}"))
        .add_partial(Partial::new(
            "inner",
            "{{#> @partial-block}}-{{/@partial-block}}",
        ));
    assert_eq!(render(&set, HTML, json!({})).expect("renders"), "-C");
}

#[test]
fn one_wrong_template_does_not_take_the_others_with_it() {
    let set = one("text", "fine")
        .add(Template::new("bad", "email", "en").with_part("text", "{{> gone}}"));
    assert!(Engine::compile(&set).is_err());
    let engine = Engine::compile_all(&set, &Default::default());
    assert_eq!(engine.faults().len(), 1);
    let en = Locale::new("en");
    let bad = engine
        .resolve(&"bad".into(), &ChannelId::EMAIL, &en, &en)
        .expect("is there");
    let error = bad.check_variables(&Value::Null).expect_err("says why");
    assert!(
        error.to_string().ends_with("there is no partial gone"),
        "{error}"
    );
    assert_eq!(error.to_string(), engine.faults()[0]);
    let fine = engine
        .resolve(&"t".into(), &ChannelId::EMAIL, &en, &en)
        .expect("is there");
    assert!(fine.check_variables(&Value::Null).is_ok());
}

#[test]
fn the_same_variant_twice_is_refused() {
    let set = one("text", "a").add(Template::new("t", "email", "EN").with_part("text", "b"));
    let error = Engine::compile(&set).expect_err("twice").to_string();
    assert_eq!(
        error,
        "template t, channel email, locale EN: was there before"
    );
}

const TAGS: [&str; 8] = [
    "en",
    "pt",
    "pt-BR",
    "pt-PT",
    "zh",
    "zh-Hant",
    "zh-Hant-TW",
    "de",
];

/// What `resolve` promises, written the slow way.
fn expected(present: &[(bool, &str)], locale: &str, default: &str) -> Option<(bool, String)> {
    for is_own in [true, false] {
        for wanted in [locale, default] {
            let mut tag = wanted;
            loop {
                if present.contains(&(is_own, tag)) {
                    return Some((is_own, tag.to_owned()));
                }
                match tag.rfind('-') {
                    Some(end) => tag = &tag[..end],
                    None => break,
                }
            }
        }
    }
    None
}

proptest! {
    #[test]
    fn the_nearest_language_of_the_channel_is_found_and_then_that_of_any_channel(
        own in 0_u16..256, any_channel in 0_u16..256, locale in 0..TAGS.len(), default in 0..TAGS.len(),
    ) {
        let mut set = Templates::new();
        let mut present = Vec::new();
        for (no, tag) in TAGS.iter().enumerate() {
            for (is_own, mask, channel) in [(true, own, "email"), (false, any_channel, "*")] {
                if mask & (1 << no) != 0 {
                    present.push((is_own, *tag));
                    set = set.add(Template::new("t", channel, *tag).with_part("text", "x"));
                }
            }
        }
        let engine = Engine::compile(&set).expect("compiles");
        let (locale, default) = (TAGS[locale], TAGS[default]);
        let found = engine
            .resolve(&"t".into(), &ChannelId::EMAIL, &Locale::new(locale), &Locale::new(default))
            .map(|t| (*t.channel() == ChannelId::EMAIL, t.locale().to_string()));
        prop_assert_eq!(found, expected(&present, locale, default));
    }

    #[test]
    fn no_markup_comes_out_of_data(a in any::<String>(), b in ".*<script>.*", n in any::<i64>()) {
        let set = Templates::new()
            .add_translations(Translations::new("en").with("hello", "Hello {name}"))
            .add_partial(Partial::new("p", "{{x}}{{this.a}}"))
            .add_partial(Partial::new("layout", "{{title}}{{> @partial-block}}"))
            .add(Template::new("t", "email", "en").with_part(
                "html",
                "{{a}}{{#each list}}{{this}}{{@index}}{{/each}}{{#each map}}{{@key}}{{this}}{{/each}}{{map}}{{list}}\
                 {{> p x=b}}{{#> layout title=a}}{{b}}{{/layout}}{{t \"hello\" name=b}}{{truncate b 5}}{{default gone a}}\
                 {{#with map as |m|}}{{lookup m ../a}}{{/with}}{{number n}}{{#if (eq a b)}}{{a}}{{/if}}",
            ));
        let mut map = serde_json::Map::new();
        map.insert(a.clone(), b.clone().into());
        let data = json!({ "a": a, "b": b, "n": n, "list": [a, b], "map": map });
        let rendered = render(&set, HTML, data).expect("renders");
        prop_assert!(!rendered.contains(['<', '>', '"', '\'']), "{}", rendered);
    }

    #[test]
    fn rendering_twice_gives_the_same(a in any::<String>(), n in any::<i64>(), at in 0_i64..4_000_000_000_000_000) {
        let source = "{{a}} {{number n}} {{date at format=\"datetime\"}} {{year}}{{#each map}}{{@key}}{{/each}}";
        let data = json!({ "a": a, "n": n, "at": at, "map": { "z": 1, "a": 2 } });
        prop_assert_eq!(text(source, data.clone()), text(source, data));
    }
}

#[test]
fn data_is_prepared_once_for_several_parts_and_templates() {
    let set =
        one("text", "{{a}}").add(Template::new("u", "email", "en").with_part("text", "{{a}}!"));
    let engine = Engine::compile(&set).expect("compiles");
    let en = Locale::new("en");
    let context = RenderContext::new(&en, &en, Timestamp::EPOCH);
    let data = RenderData::new(json!({ "a": 1 }), &context).expect("an object");
    let render = |name: &'static str| {
        let template = engine.resolve(&TemplateName::new(name), &ChannelId::EMAIL, &en, &en);
        template
            .expect("resolves")
            .render_data(&[TEXT], &data, &context)
            .expect("renders")
            .remove(0)
            .1
    };
    assert_eq!(
        (render("t"), render("u")),
        ("1".to_owned(), "1!".to_owned())
    );
    assert_eq!(
        RenderData::new(json!(1), &context)
            .expect_err("no object")
            .field_name(),
        Some("data")
    );
}
