//! What each service makes of an escaped text: a model of its reader gives back what was meant.

use proptest::prelude::*;

use super::*;

const ALL: [Markup; 6] = [
    Markup::Discord,
    Markup::Slack,
    Markup::Teams,
    Markup::TelegramHtml,
    Markup::TelegramMarkdown,
    Markup::WhatsApp,
];

/// Undoes entities, and fails on a sign that is not one.
fn read_entities(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>']) {
        out.push_str(&rest[..at]);
        let (sign, entity) = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;")]
            .into_iter()
            .find(|(_, entity)| rest[at..].starts_with(entity))?;
        out.push(sign);
        rest = &rest[at + entity.len()..];
    }
    out.push_str(rest);
    Some(out)
}

/// Undoes backslashes, and fails on one of the `reserved` without.
fn read_backslashes(text: &str, reserved: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next().filter(char::is_ascii_punctuation)?),
            c if reserved.contains(c) => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

/// Whether a line begins as a heading, a quote or a list does.
fn opens_a_block(text: &str) -> bool {
    text.split(['\n', '\r']).any(|line| {
        let line = line.trim_start();
        let after_digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_list = after_digits.len() < line.len() && after_digits.starts_with(['.', ')']);
        line.starts_with(['#', '>', '-', '+']) || is_list
    })
}

/// Texts full of what could mean something.
fn texts() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "@everyone",
        "@here",
        "@EVERYONE",
        "<!channel>",
        "<@U123>",
        "<@&7>",
        "<#C1|x>",
        "[a](b)",
        "**b**",
        "__u__",
        "||s||",
        "~~d~~",
        "```\n",
        "`c`",
        "> q",
        ">>> q",
        "# h",
        "-# s",
        "- l",
        "+ l",
        "1. l",
        "12) l",
        "{{DATE(x)}}",
        "{{{",
        "\\",
        "\\*",
        "&amp;",
        "&",
        "<b>",
        "\n",
        "\r",
        " ",
        "a",
        "я",
        "👍",
        "_",
        "*",
        "|",
        "!",
        "=",
        ".",
        "тест",
        "@",
        "every",
        "one",
        "http",
        "s:",
        "://",
    ]);
    prop::collection::vec(words, 0..12).prop_map(|words| words.concat())
}

#[test]
fn slack_gets_entities_and_nothing_else() {
    let text = "<!channel> Tom & <@U024BE7LH> *bold* \"a\"";
    let escaped = Markup::Slack.escape(text);
    assert_eq!(
        escaped,
        "&lt;!channel&gt; Tom &amp; &lt;@U024BE7LH&gt; *bold* \"a\""
    );
    assert_eq!(
        Markup::Slack.escape("&lt;"),
        "&amp;lt;",
        "what was escaped before is text"
    );
}

#[test]
fn discord_gets_backslashes_and_calls_nobody() {
    let escape = |text: &str| Markup::Discord.escape(text).into_owned();
    assert_eq!(
        escape("**2 * 3** ||a|| [x](y) <@7>"),
        "\\*\\*2 \\* 3\\*\\* \\|\\|a\\|\\| \\[x\\](y) \\<@7>"
    );
    assert_eq!(
        escape("@everyone @Here @somebody"),
        "@\u{200b}everyone @\u{200b}Here @somebody"
    );
    assert_eq!(
        escape("# h\n> q\n- l\n  1. l"),
        "\\# h\n\\> q\n\\- l\n  1\\. l"
    );
    assert_eq!(
        escape("2026-01-02 at 5.30 #1042"),
        "2026-01-02 at 5.30 #1042"
    );
}

#[test]
fn an_address_in_discord_still_leads_where_it_did() {
    let escape = |text: &str| Markup::Discord.escape(text).into_owned();
    let url = "https://example.com/a_b/c~d?x=1&y=_z_#-top";
    assert_eq!(
        escape(&format!("*See* {url}, _now_")),
        format!("\\*See\\* {url}, \\_now\\_")
    );
    assert_eq!(escape("https://a.b/c*d*"), "https://a.b/c\\*d\\*");
    assert_eq!(
        escape("https://a.b/c_d - 1. (c_d)"),
        "https://a.b/c_d - 1. (c\\_d)"
    );
    assert_eq!(escape("<https://a.b/c_d>"), "\\<https://a.b/c_d>");
    // Neither is an address.
    assert_eq!(
        escape("https://_a_ xhttp:/_a_"),
        "https://\\_a\\_ xhttp:/\\_a\\_"
    );
    assert_eq!(
        escape("https://a.b/@everyone"),
        "https://a.b/@\u{200b}everyone"
    );
}

#[test]
fn telegram_gets_every_reserved_character_escaped() {
    let text = "_*[]()~`>#+-=|{}.!\\ a & b < c";
    let escaped = Markup::TelegramMarkdown.escape(text);
    let expected = "\\_\\*\\[\\]\\(\\)\\~\\`\\>\\#\\+\\-\\=\\|\\{\\}\\.\\!\\\\ a & b < c";
    assert_eq!(escaped, expected);
    let escaped = Markup::TelegramHtml.escape("<b>1 & 2</b>");
    assert_eq!(escaped, "&lt;b&gt;1 &amp; 2&lt;/b&gt;");
}

#[test]
fn teams_gets_backslashes_and_no_functions() {
    let escape = |text: &str| Markup::Teams.escape(text).into_owned();
    assert_eq!(
        escape("**b** [x](y) _i_\n1. l\n- l"),
        "\\*\\*b\\*\\* \\[x\\](y) \\_i\\_\n1\\. l\n\\- l"
    );
    assert_eq!(
        escape("{{DATE(2026-01-01T00:00:00Z)}}"),
        "{\u{200b}{DATE(2026-01-01T00:00:00Z)}}"
    );
    assert_eq!(escape("{{{ {"), "{\u{200b}{\u{200b}{ {");
}

#[test]
fn whatsapp_gets_the_text_and_templates_get_one_line() {
    assert_eq!(Markup::WhatsApp.escape("*a* <b>"), "*a* <b>");
    assert_eq!(whatsapp_parameter(" a\n\tb      c "), "a b c");
}

#[test]
fn a_long_text_is_cut_to_what_the_service_takes() {
    // Every star takes two.
    let fitted = Markup::Discord.fit(&"*".repeat(2_000), 2_000).into_owned();
    assert_eq!(fitted, "\\*".repeat(999) + "…");
    // Telegram counts what is left after parsing.
    let stars = "*".repeat(4_096);
    assert_eq!(Markup::TelegramMarkdown.fit(&stars, 4_096).len(), 8_192);
    let fitted = Markup::TelegramHtml
        .fit(&"<".repeat(5_000), 4_096)
        .into_owned();
    assert_eq!(fitted, "&lt;".repeat(4_095) + "…");
    // A thumb takes two, and is not cut in half.
    assert_eq!(Markup::WhatsApp.fit(&"👍".repeat(5), 10), "👍".repeat(5));
    assert_eq!(Markup::WhatsApp.fit(&"👍".repeat(5), 8), "👍👍👍…");
    assert_eq!(Markup::Teams.size("\"\n\u{1}é"), 2 + 2 + 6 + 2);
    for markup in ALL {
        assert_eq!(markup.fit("ok", markup.limit()), "ok");
    }
}

proptest! {
    #[test]
    fn slack_and_telegram_read_what_was_meant(text in texts()) {
        for markup in [Markup::Slack, Markup::TelegramHtml] {
            prop_assert_eq!(read_entities(&markup.escape(&text)), Some(text.clone()));
        }
        let escaped = Markup::TelegramMarkdown.escape(&text);
        prop_assert_eq!(read_backslashes(&escaped, TELEGRAM), Some(text));
    }

    #[test]
    fn teams_reads_what_was_meant_and_opens_no_block(text in texts()) {
        let escaped = Markup::Teams.escape(&text);
        let read = read_backslashes(&escaped, "*_~`[]").map(|text| text.replace('\u{200b}', ""));
        prop_assert_eq!(read.as_deref(), Some(text.as_str()));
        prop_assert!(!opens_a_block(&escaped) && !escaped.contains("{{"), "{escaped:?}");
    }

    #[test]
    fn discord_reads_what_was_meant_calls_nobody_and_opens_no_block(text in texts()) {
        prop_assume!(address(&text).is_none());
        let escaped = Markup::Discord.escape(&text);
        let read = read_backslashes(&escaped, "*_~`|<[]").map(|text| text.replace('\u{200b}', ""));
        prop_assert_eq!(read.as_deref(), Some(text.as_str()));
        prop_assert!(!opens_a_block(&escaped), "{escaped:?}");
    }

    #[test]
    fn discord_calls_nobody_beside_an_address_either(before in texts(), path in "[a-z_~/@*|<]{0,12}", after in texts()) {
        let text = format!("{before}https://a.b/{path}{after}");
        let escaped = Markup::Discord.escape(&text).to_ascii_lowercase();
        prop_assert!(!escaped.contains("@everyone") && !escaped.contains("@here"), "{escaped:?}");
        // What an address may not hold is escaped, and what was meant is still there.
        prop_assert!(read_backslashes(&escaped, "*`|<[]").is_some(), "{escaped:?}");
        let bare = |text: &str| text.replace(['\\', '\u{200b}'], "");
        prop_assert_eq!(bare(&escaped), bare(&text.to_ascii_lowercase()));
    }

    #[test]
    fn no_text_is_longer_than_it_may_be(text in texts(), max in 1_usize..60) {
        for markup in ALL {
            let fitted = markup.fit(&text, max.max(3));
            if markup.size(&text) > max.max(3) {
                prop_assert!(fitted.ends_with('…'));
            } else {
                prop_assert_eq!(&fitted, &markup.escape(&text));
            }
            match markup {
                Markup::TelegramHtml | Markup::TelegramMarkdown => {}
                Markup::Teams => prop_assert!(json_length(&fitted) <= max.max(3)),
                _ => prop_assert!(utf16(&fitted) <= max.max(3)),
            }
        }
    }
}
