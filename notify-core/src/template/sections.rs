//! The text of one template file: a section for each part.

use crate::template::flaw::Flaw;
use crate::template::model::is_part_name;

/// One part of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) part: String,
    pub(super) source: String,
    /// The line of the file on which the source begins, from 1.
    pub(super) line: usize,
}

/// The part that a file without sections is.
const ONLY_PART: &str = "text";

/// Splits a file at lines such as `--- subject`.
pub(super) fn split(text: &str) -> Result<Vec<Section>, Flaw> {
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .replace("\r\n", "\n");
    let mut sections: Vec<Section> = Vec::new();
    let mut before = String::new();
    for (line, content) in (1..).zip(text.split('\n')) {
        if let Some(part) = heading(content) {
            if sections.iter().any(|section| section.part == part) {
                return Err(Flaw::at(line, format!("part {part} was there before")));
            }
            sections.push(Section {
                part: part.to_owned(),
                source: String::new(),
                line: line + 1,
            });
            continue;
        }
        let source = sections
            .last_mut()
            .map_or(&mut before, |section| &mut section.source);
        let content = content
            .strip_prefix('\\')
            .filter(|c| c.starts_with("---"))
            .unwrap_or(content);
        source.push_str(content);
        source.push('\n');
    }
    if sections.is_empty() {
        sections.push(Section {
            part: ONLY_PART.to_owned(),
            source: before,
            line: 1,
        });
    } else if !before.trim().is_empty() {
        return Err(Flaw::at(
            1,
            "text before the first section such as `--- subject`",
        ));
    }
    for section in &mut sections {
        section.source.truncate(section.source.trim_end().len());
    }
    Ok(sections)
}

/// The part's name, if the line begins a section.
fn heading(line: &str) -> Option<&str> {
    let name = line.strip_prefix("--- ")?.trim();
    is_part_name(name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(String, String)> {
        let sections = split(text).expect("splits");
        sections
            .into_iter()
            .map(|section| (section.part, section.source))
            .collect()
    }

    #[test]
    fn each_section_is_a_part_without_white_space_at_its_end() {
        let found = parts("\n--- subject\r\nHi {{name}}\r\n\n--- text\n  a\n\nb\n\n");
        assert_eq!(found[0], ("subject".into(), "Hi {{name}}".into()));
        assert_eq!(found[1], ("text".into(), "  a\n\nb".into()));
    }

    #[test]
    fn a_file_without_sections_is_the_text() {
        assert_eq!(parts("\u{feff}Hi\n"), [("text".into(), "Hi".into())]);
        assert_eq!(parts("a\n---\nb"), [("text".into(), "a\n---\nb".into())]);
        assert_eq!(
            parts("--- Original Message"),
            [("text".into(), "--- Original Message".into())]
        );
        assert_eq!(parts("\\--- text"), [("text".into(), "--- text".into())]);
    }

    #[test]
    fn mistakes_name_their_line() {
        assert_eq!(
            split("--- text\na\n--- text\n").expect_err("twice").line,
            Some(3)
        );
        assert_eq!(
            split("hello\n--- text\n").expect_err("before").line,
            Some(1)
        );
    }

    #[test]
    fn lines_are_counted_from_the_top_of_the_file() {
        let sections = split("--- subject\na\n--- text\nb").expect("splits");
        assert_eq!(sections.iter().map(|s| s.line).collect::<Vec<_>>(), [2, 4]);
    }
}
