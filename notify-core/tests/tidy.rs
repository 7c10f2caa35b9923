//! Rules about the source of the whole workspace: floors, sizes, clocks, panics, layout.
//!
//! There is no list of exceptions: change the code, or change the rule here and say why.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of notify-core, bottom to top. A file may name its own and those listed before it.
const ORDER: &str = "error id clock address message limits calendar secret audit token retry rate_limiter \
    digest recipient notification channel template preference provider delivery queue schedule inbox privacy store \
    observer health planner orchestrator worker memory testkit";
/// The first of them are one floor: plain data whose files may name each other.
const GROUND_FLOOR: usize = 6;

const TOP_LEVEL: &str = "Cargo.lock Cargo.toml README.md benches examples notify-core \
    notify-providers notify-store-postgres notify-store-sqlite";

/// One file of Rust, its path relative to the root of the repository.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        let parts = ["/tests/", "/tests.rs", "/testkit"];
        parts.iter().any(|part| self.path.contains(part))
    }

    /// Lines with their number, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines().map(|line| &line[..comment_start(line)]))
    }

    /// The code without what is compiled for tests only. Relies on rustfmt: an item that begins at
    /// a column ends at that column.
    fn production(&self) -> Vec<(usize, &str)> {
        let mut kept = Vec::new();
        let mut skipped = None;
        for (number, line) in self.code() {
            let column = line.len() - line.trim_start().len();
            if line.starts_with("mod tests {") && skipped == Some(0) {
                break; // The last item of a file; texts in it may hold braces at any column.
            } else if line.trim() == "#[cfg(test)]" {
                skipped = Some(column);
            } else if skipped.is_none() {
                kept.push((number, line));
            } else if skipped == Some(column) && line.ends_with(['}', ';', ',']) {
                skipped = None;
            }
        }
        kept
    }
}

/// Where the comment of a line begins; `//` after a colon belongs to an address.
fn comment_start(line: &str) -> usize {
    let mut starts = line.match_indices("//");
    let start = starts.find(|(start, _)| !line[..*start].ends_with(':'));
    start.map_or(line.len(), |(start, _)| start)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Names in a folder, sorted; none if there is no such folder.
fn names(folder: &str) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join(folder)).into_iter().flatten() {
        let name = entry.expect("readable folder").file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    names
}

fn collect(folder: &str, found: &mut Vec<Source>) {
    for name in names(folder) {
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() && name != "target" {
            collect(&path, found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(root().join(&path)).expect("readable source");
            found.push(Source { path, text });
        }
    }
}

/// Every Rust file whose path begins with `prefix`.
fn sources(prefix: &str, at_least: usize) -> Vec<Source> {
    let mut found = Vec::new();
    for name in TOP_LEVEL.split_whitespace() {
        collect(name, &mut found);
    }
    found.retain(|source| source.path.starts_with(prefix));
    let count = found.len();
    assert!(count >= at_least, "{prefix}: saw only {count} files");
    found
}

fn assert_none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}

/// `path:line: text` of every line that holds one of the needles.
fn lines_with(source: &Source, lines: &[(usize, &str)], needles: &[&str]) -> Vec<String> {
    let mut lines = lines.to_vec();
    lines.retain(|(_, line)| needles.iter().any(|needle| line.contains(needle)));
    let path = &source.path;
    let shown = lines
        .iter()
        .map(|(number, line)| format!("{path}:{number}: {line}"));
    shown.collect()
}

fn floor(module: &str) -> Option<usize> {
    let position = ORDER.split_whitespace().position(|name| name == module)?;
    Some(if position < GROUND_FLOOR { 0 } else { position })
}

fn identifier(text: &str) -> &str {
    let mut ends = text.match_indices(|c: char| !c.is_alphanumeric() && c != '_');
    ends.next().map_or(text, |(end, _)| &text[..end])
}

/// The first names of what follows `crate::`: one, or those of a group.
fn first_names(text: &str) -> Vec<&str> {
    let Some(group) = text.strip_prefix('{') else {
        return vec![identifier(text)];
    };
    let (mut depth, mut found) = (1, vec![identifier(group.trim_start())]);
    for (index, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => found.push(identifier(group[index + 1..].trim_start())),
            _ => {}
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

#[test]
fn modules_of_core_name_only_lower_floors() {
    let (mut findings, mut seen) = (Vec::new(), 0);
    for source in sources("notify-core/src/", 10) {
        let inner = &source.path["notify-core/src/".len()..];
        let own = identifier(inner);
        if inner == "lib.rs" || inner.ends_with("/tests.rs") {
            continue;
        }
        let height = floor(own).unwrap_or_else(|| panic!("ORDER does not hold {own}"));
        let lines = source.production();
        // `super::` may lead to the module on the list, not out of it.
        let depth = inner.matches('/').count() - usize::from(inner.ends_with("/mod.rs"));
        let above = "super::".repeat(depth + 1);
        findings.extend(lines_with(&source, &lines, &[&above]));
        let code: Vec<_> = lines.iter().map(|(_, line)| *line).collect();
        let code = code.join("\n");
        for (at, text) in code.match_indices("crate::") {
            let rest = &code[at + text.len()..];
            for name in first_names(rest) {
                seen += 1;
                // Macros live in the root, whichever module writes them.
                let is_macro = rest.starts_with(&format!("{name}!"));
                let is_below = floor(name).is_some_and(|named| named <= height);
                if name != own && !is_below && !is_macro {
                    let (line, _) = lines[code[..at].matches('\n').count()];
                    findings.push(format!("{}:{line}: {own} names crate::{name}", source.path));
                }
            }
        }
    }
    assert_none(
        "names a higher floor, or a re-export of the root",
        &findings,
    );
    assert!(seen >= 10, "saw only {seen} paths");
}

#[test]
fn planner_decides_from_data_alone() {
    let mut findings = Vec::new();
    for source in &sources("notify-core/src/planner", 1) {
        let mut lines = source.production();
        findings.extend(lines_with(source, &lines, &["async ", ".await"]));
        lines.retain(|(_, line)| line.contains("Store"));
        findings.extend(lines_with(source, &lines, &["dyn "]));
    }
    assert_none("the planner neither waits nor reads a store", &findings);
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut findings = Vec::new();
    for source in sources("", 20) {
        let limit = if source.is_test() { 800 } else { 500 };
        let length = source.text.lines().count();
        if length > limit || !source.text.starts_with("//! ") {
            findings.push(format!("{}: {length} lines", source.path));
        }
    }
    assert_none(
        "a line `//! …` first, and 500 lines (tests: 800)",
        &findings,
    );
}

#[test]
fn only_the_clock_reads_time_and_waits() {
    let mut findings = Vec::new();
    for source in sources("notify-", 20) {
        // This file quotes what it forbids.
        if source.path == "notify-core/src/clock.rs" || source.path == "notify-core/tests/tidy.rs" {
            continue;
        }
        let lines: Vec<_> = source.code().collect();
        let sleeps = ["tokio::time::sleep", "thread::sleep"];
        findings.extend(lines_with(&source, &lines, &sleeps));
        if source.path.contains("/src/") {
            let reads = ["SystemTime::now", "Instant::now"];
            findings.extend(lines_with(&source, &lines, &reads));
        }
    }
    assert_none("only through notify_core::clock::Clock", &findings);
}

#[test]
fn production_code_does_not_panic_on_purpose() {
    let needles = [".unwrap()", "panic!(", "todo!(", "unimplemented!(", "dbg!("];
    let mut findings = Vec::new();
    for source in sources("notify-", 20) {
        if source.path.contains("/src/") && !source.is_test() {
            findings.extend(lines_with(&source, &source.production(), &needles));
        }
    }
    assert_none("return an error, or `expect` an invariant", &findings);
}

#[test]
fn comments_leave_nothing_for_later_and_name_no_tracker() {
    let is_number = |word: &str| {
        let rest = word.trim_start_matches('(').strip_prefix('#');
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut findings = Vec::new();
    for source in sources("", 20) {
        for (number, line) in (1..).zip(source.text.lines()) {
            let comment = &line[comment_start(line)..];
            let later = ["TODO", "FIXME"].iter().any(|word| comment.contains(word));
            if later || comment.split_whitespace().any(is_number) {
                findings.push(format!("{}:{number}: {comment}", source.path));
            }
        }
    }
    assert_none("do it, or say it in words", &findings);
}

#[test]
fn both_sql_stores_have_the_same_files() {
    for folder in ["sql", "migrations"] {
        let postgres = names(&format!("notify-store-postgres/{folder}"));
        let sqlite = names(&format!("notify-store-sqlite/{folder}"));
        assert!(
            postgres.is_empty() || postgres == sqlite,
            "{folder}/ differ"
        );
    }
}

#[test]
fn core_depends_on_no_database_and_no_network() {
    let manifest = fs::read_to_string(root().join("notify-core/Cargo.toml")).expect("manifest");
    let (mut section, mut seen) = ("", 0);
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
            let known = line == "[dependencies]" || line == "[dev-dependencies]";
            assert!(known || !line.contains("dependencies"), "{line}");
        } else if section == "[dependencies]" && !line.is_empty() {
            let name = line.split([' ', '.', '=']).next().unwrap_or(line);
            let banned = ["axum", "hyper", "lettre", "reqwest", "rusqlite", "sqlx"];
            assert!(!banned.contains(&name), "dependency on {name}");
            seen += 1;
        }
    }
    assert!(seen >= 5, "saw only {seen} dependencies");
}

#[test]
fn top_level_holds_nothing_else() {
    let mut visible = names("");
    // Besides dotfiles: what builds and examples leave behind, which git ignores too.
    visible.retain(|n| !n.starts_with('.') && n != "target" && !n.contains(".db"));
    assert_eq!(visible, TOP_LEVEL.split_whitespace().collect::<Vec<_>>());
}
