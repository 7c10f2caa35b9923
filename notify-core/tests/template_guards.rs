//! What templates must not be able to do: end the process, take its memory, or keep it busy.
//!
//! An overflowing stack ends the process, and this test with it; so each of these sources is given to
//! the compiler on a thread with 2 MiB of stack, which is what tests and tokio's workers have.

use notify_core::channel::{Escape, Part};
use notify_core::template::{
    Engine, Partial, RenderContext, Template, TemplateLimits, TemplateSet, Translations,
};
use notify_core::{ChannelId, Error, ErrorKind, Locale, Timestamp};
use proptest::prelude::{Just, Strategy, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Value, json};

const TEXT: Part = Part::required("text", Escape::Text);

fn set(source: &str) -> TemplateSet {
    TemplateSet::new().add(Template::new("t", "sms", "en").with_part("text", source))
}

fn render(set: &TemplateSet, limits: &TemplateLimits, data: &Value) -> Result<String, Error> {
    let en = Locale::new("en");
    let engine = Engine::compile_within(set, limits)?;
    let template = engine
        .resolve(&"t".into(), &ChannelId::SMS, &en, &en)
        .expect("resolves");
    let context = RenderContext::new(&en, &en, Timestamp::EPOCH);
    Ok(template.render(&[TEXT], data, &context)?.remove(0).1)
}

fn fault(set: &TemplateSet) -> String {
    let error = render(set, &TemplateLimits::new(), &json!({ "a": 1 })).expect_err("a fault");
    assert_eq!(error.kind(), ErrorKind::Template);
    error.to_string()
}

/// Enough room for sources that break another limit than the one of their size.
fn roomy() -> TemplateLimits {
    TemplateLimits::new()
        .with_part_bytes(4 * 1024 * 1024)
        .with_tags(1_000_000)
}

#[test]
fn deep_nesting_is_an_error_and_not_the_end_of_the_process() {
    let nested =
        |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let sources = [
        nested("{{#if a}}", "{{/if}}", 20_000),
        "{{#if a}}".repeat(20_000),
        nested("{{#each a}}", "{{/each}}", 20_000),
        nested("{{# each a}}", "{{/ each}}", 20_000),
        nested("{{~#> a}}", "{{/a}}", 20_000),
        format!(
            "{{{{#if a}}}}{}{{{{/if}}}}",
            "{{else if a}}x".repeat(20_000)
        ),
        format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{^ if a}}x".repeat(20_000)),
        format!(
            "{{{{truncate {}a{}}}}}",
            "(default ".repeat(5_000),
            " 1)".repeat(5_000)
        ),
        format!("{{{{truncate {}}}}}", "(".repeat(60_000)),
        format!("{{{{truncate a x={}}}}}", "(a b=".repeat(5_000)),
        format!("{{{{truncate {}}}}}", "[".repeat(60_000)),
        format!(
            "{{{{truncate {}{}}}}}",
            "[".repeat(5_000),
            "]".repeat(5_000)
        ),
        format!("{{{{truncate {}}}}}", "{\"a\":".repeat(10_000)),
        format!("{{{{truncate {}}}}}", "{".repeat(10_000)),
        // Closings that only the scan would see: in comments, strings, brackets and escapes.
        "{{#if a}}{{!-- {{/if}} --}}".repeat(20_000),
        "{{#if a}}{{! {{/if}}".repeat(20_000),
        "{{#if a}}{{a '{{/if}}'}}".repeat(20_000),
        "{{#if a}}{{[']}}{{/if}}{{[']}}".repeat(20_000),
        "{{#if a}}{{['}}{{/if}}{{a]}}".repeat(20_000),
        "{{#if a}}\\{{/if}}".repeat(20_000),
        "{{#if a}}{{> 'a\\'}}{{/if}}{{a '}}".repeat(20_000),
        "{{#if a}}{{a \"\\\\\"}}{{/if}}\"}}".repeat(700),
    ];
    for source in sources {
        let head: String = source.chars().take(40).collect();
        let result = Engine::compile_within(&set(&source), &roomy());
        // The last source closes each block: it is parsed, and refused for the helper it calls.
        assert!(result.is_err(), "{head}");
        assert!(Engine::compile(&set(&source)).is_err(), "{head}");
    }
}

#[test]
fn nesting_up_to_the_limit_works_on_a_small_stack() {
    let limits = roomy().with_depth(1_000);
    let blocks = format!("{}x{}", "{{#if a}}".repeat(64), "{{/if}}".repeat(64));
    assert_eq!(
        render(&set(&blocks), &limits, &json!({ "a": 1 })).expect("64 are fine"),
        "x"
    );
    let loops = format!("{}x{}", "{{#each ../a}}".repeat(63), "{{/each}}".repeat(63));
    let loops = set(&format!(
        "{{{{#with this}}}}{}{{{{/with}}}}",
        loops.replace("../a", "@root.a")
    ));
    assert_eq!(
        render(&loops, &limits, &json!({ "a": [1] })).expect("64 are fine"),
        "x"
    );
    let chain = format!(
        "{{{{#if b}}}}{}x{{{{/if}}}}",
        "{{else if b}}".repeat(62) + "{{else}}"
    );
    assert_eq!(
        render(&set(&chain), &limits, &json!({})).expect("63 are fine"),
        "x"
    );
    let parens = format!(
        "{{{{default {}a{} 1}}}}",
        "(default ".repeat(64),
        " 1)".repeat(64)
    );
    assert_eq!(
        render(&set(&parens), &limits, &json!({ "a": "x" })).expect("64 are fine"),
        "x"
    );

    let mut layouts = set("{{#> p0}}x{{/p0}}");
    for n in 0..20 {
        let source = format!(
            "{{{{#> p{}}}}}{{{{> @partial-block}}}}{{{{/p{}}}}}",
            n + 1,
            n + 1
        );
        layouts = layouts.add_partial(Partial::new(format!("p{n}"), source));
    }
    let layouts = layouts.add_partial(Partial::new("p20", "{{> @partial-block}}"));
    assert_eq!(
        render(&layouts, &limits, &json!({})).expect("60 are fine"),
        "x"
    );

    let too_deep = format!("{}x{}", "{{#if a}}".repeat(33), "{{/if}}".repeat(33));
    assert!(fault(&set(&too_deep)).ends_with("are nested deeper than 32"));
}

#[test]
fn partials_that_include_each_other_are_named() {
    let ring = set("{{> a}}")
        .add_partial(Partial::new("a", "{{#if x}}{{> b}}{{/if}}"))
        .add_partial(Partial::new("b", "{{> c}}"))
        .add_partial(Partial::new("c", "{{#> a}}{{/a}}"));
    assert_eq!(
        fault(&ring),
        "partial a: partials include each other: a → b → c → a"
    );
    let own = set("{{> a}}").add_partial(Partial::new("a", "{{> a}}"));
    assert_eq!(fault(&own), "partial a: partials include each other: a → a");
    let by_content = set("{{> a}}")
        .add_partial(Partial::new("a", "{{#> b}}{{> a}}{{/b}}"))
        .add_partial(Partial::new("b", "{{> @partial-block}}"));
    assert_eq!(
        fault(&by_content),
        "partial a: partials include each other: a → a"
    );
    let engine = Engine::compile_all(&ring, &TemplateLimits::new());
    assert_eq!(
        engine.faults().last().map(String::as_str),
        Some(
            "template t, channel sms, locale en, part text, line 1: \
             cannot include a: partial a: partials include each other: a → b → c → a"
        )
    );
}

#[test]
fn long_chains_and_rings_of_partials_are_errors() {
    for ends_in in ["x", "{{> p0}}"] {
        let mut chain = set("{{> p0}}");
        for n in 0..5_000 {
            chain = chain.add_partial(Partial::new(
                format!("p{n}"),
                format!("{{{{> p{}}}}}", n + 1),
            ));
        }
        chain = chain.add_partial(Partial::new("p5000", ends_in));
        let engine = Engine::compile_all(&chain, &TemplateLimits::new());
        assert!(
            engine
                .templates()
                .all(|template| template.fault().is_some())
        );
    }
}

#[test]
fn partials_that_multiply_run_out_of_steps() {
    let mut laughs = set("{{> p0}}");
    for n in 0..20 {
        laughs = laughs.add_partial(Partial::new(
            format!("p{n}"),
            format!("{{{{> p{}}}}}", n + 1).repeat(50),
        ));
    }
    let laughs = laughs.add_partial(Partial::new("p20", ""));
    assert!(fault(&laughs).contains("takes too many steps"));
}

#[test]
fn loops_that_print_nothing_run_out_of_steps() {
    let source = "{{#each a}}{{#each @root.a}}{{#each @root.a}}{{/each}}{{/each}}{{/each}}";
    let data = json!({ "a": vec![0; 10_000] });
    let error = render(&set(source), &TemplateLimits::new(), &data).expect_err("too many");
    assert!(
        error.to_string().contains("takes too many steps"),
        "{error}"
    );
    let limits = TemplateLimits::new().with_steps(20);
    let data = json!({ "a": vec![0; 10] });
    assert!(render(&set("{{#each a}}x{{/each}}"), &limits, &data).is_ok());
    assert!(
        render(
            &set("{{#each a}}{{#if 1}}x{{/if}}{{/each}}"),
            &limits,
            &data
        )
        .is_err()
    );
}

#[test]
fn output_ends_at_its_limit_wherever_it_is_written() {
    let data = json!({ "big": "x".repeat(60_000), "a": vec![0; 1_000] });
    for source in [
        "{{#each a}}{{@root.big}}{{/each}}",
        "{{> p}}{{> p}}{{> p}}{{> p}}{{> p}}",
        "{{#> layout}}{{#each a}}{{@root.big}}{{/each}}{{/layout}}",
        "{{#each a}}{{t \"k\" x=@root.big}}{{/each}}",
        "{{#each a}}{{truncate @root.big 50000}}{{/each}}",
    ] {
        let set = set(source)
            .add_partial(Partial::new("p", "{{big}}"))
            .add_partial(Partial::new("layout", "{{> @partial-block}}"))
            .add_translations(Translations::new("en").with("k", "{x}"));
        let error = render(&set, &TemplateLimits::new(), &data).expect_err(source);
        assert!(
            error.to_string().contains("renders more than 262144 bytes"),
            "{error}"
        );
    }
    let limits = TemplateLimits::new().with_output_bytes(10);
    assert_eq!(
        render(&set("0123456789"), &limits, &json!({}))
            .expect("10 are fine")
            .len(),
        10
    );
    assert!(render(&set("0123456789a"), &limits, &json!({})).is_err());
}

#[test]
fn sources_that_would_keep_the_parser_busy_are_refused() {
    for (source, expected) in [
        ("x".repeat(65_537), "is larger than 65536 bytes"),
        ("{{a}}".repeat(2_001), "has more than 2000 tags"),
        (
            "{{!--a}}".repeat(2_000),
            "this comment is not closed with --}}",
        ),
        (
            "{{! -- a}}".repeat(2_000),
            "this comment is not closed with --}}",
        ),
        ("\\".repeat(60_000), "has more than 64 backslashes in a row"),
        (
            "{{{{raw}}}}x{{{{/raw}}}}".to_owned(),
            "raw blocks ({{{{…}}}}) are not supported; \\{{ prints two braces",
        ),
        (
            "{{t [1, \"2\"]}}".to_owned(),
            "lists and objects cannot be written in a tag; give them as data",
        ),
        (
            "{{t {\"a\": 1}}}".to_owned(),
            "lists and objects cannot be written in a tag; give them as data",
        ),
    ] {
        let found = fault(&set(&source));
        assert!(found.ends_with(expected), "{found}");
    }
}

#[test]
fn data_is_never_a_template() {
    let data = json!({ "a": "{{b}}{{> p}}{{#each a}}", "b": "secret" });
    let set = set("{{a}} {{t \"k\" x=a}}")
        .add_translations(Translations::new("en").with("k", "{x}"))
        .add_partial(Partial::new("p", "{{b}}"));
    let text = render(&set, &TemplateLimits::new(), &data).expect("renders");
    assert_eq!(text, "{{b}}{{> p}}{{#each a}} {{b}}{{> p}}{{#each a}}");
}

/// Pieces that mean something to the parser, set apart by spaces; `·` stands for a space.
const PIECES: &str = "{{ }} {{{ }}} {{# {{/ {{> {{#> {{! {{!-- --}} {{~ ~}} {{else}} {{else·if·a}} {{^}} \
    {{#if·a}} {{/if}} {{#each·a}} {{/each}} {{>·p}} {{#>·p}} {{/p}} {{>·@partial-block}} \
    {{#*inline·\"x\"}} {{/inline}} if each a this ../ ./ @root @index . / ( ) [ ] { } \" ' \\ \\\\ = | \
    as·|x·y| · \n 1 -1.5E3 null true & t é \u{1} else elsewhere # > * ~ : {{{{";

/// Pieces in any order, and other characters between them.
fn soup() -> impl Strategy<Value = String> {
    let pieces: Vec<_> = PIECES
        .split(' ')
        .map(|piece| piece.replace('·', " "))
        .collect();
    let piece = prop_oneof![
        4 => prop::sample::select(pieces),
        1 => ".{0,3}",
        1 => Just("{{#with a}}{{a}}{{/with}}".to_owned()),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_is_written_is_a_text_or_an_error(source in soup(), partial in soup()) {
        let set = set(&source).add_partial(Partial::new("p", partial));
        let engine = Engine::compile_all(&set, &TemplateLimits::new());
        let en = Locale::new("en");
        let template = engine.templates().next().expect("one");
        let context = RenderContext::new(&en, &en, Timestamp::EPOCH);
        let data = json!({ "a": [{ "a": 1 }, "x"], "if": 1, "t": null });
        let first = template.render(&[TEXT], &data, &context).map_err(|e| e.to_string());
        let second = template.render(&[TEXT], &data, &context).map_err(|e| e.to_string());
        prop_assert_eq!(&first, &second);
        if template.fault().is_some() {
            prop_assert!(first.is_err());
        }
    }
}
