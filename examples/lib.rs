//! The README as documentation, so that its code is compiled, and what several examples share.
//!
#![doc = include_str!("../README.md")]

pub mod support;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    /// Every Rust file below a folder, as one text.
    fn sources(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(&path).expect("readable source"));
            }
        }
    }

    /// Names in backquotes in the tables of a chapter of the README.
    fn names(readme: &str, chapter: &str) -> Vec<String> {
        let (_, rest) = readme
            .split_once(&format!("\n## {chapter}\n"))
            .expect("the chapter");
        let chapter = rest.split("\n## ").next().unwrap_or(rest);
        let rows = chapter.lines().filter(|line| line.starts_with('|'));
        rows.flat_map(|row| row.split('`').skip(1).step_by(2).map(str::to_owned))
            .collect()
    }

    #[test]
    fn every_test_that_the_readme_names_is_there() {
        let readme = fs::read_to_string(root().join("README.md")).expect("the README");
        let mut code = String::new();
        for entry in fs::read_dir(root()).expect("the repository").flatten() {
            if entry.file_name().to_string_lossy().starts_with("notify-") {
                sources(&entry.path(), &mut code);
            }
        }
        let mut tests = names(&readme, "Guarantees");
        tests.retain(|name| name.contains('_'));
        assert!(tests.len() > 20, "saw only {} names", tests.len());
        let is_there = |name: &String| {
            let name = name.rsplit("::").next().unwrap_or(name);
            code.contains(&format!("fn {name}("))
        };
        let missing: Vec<_> = tests.iter().filter(|name| !is_there(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_readme_names_every_example() {
        let readme = fs::read_to_string(root().join("README.md")).expect("the README");
        let named = names(&readme, "What is where");
        let manifest =
            fs::read_to_string(root().join("examples/Cargo.toml")).expect("the manifest");
        let mut examples = 0;
        for (_, after) in manifest
            .match_indices("[[example]]")
            .map(|(at, _)| manifest.split_at(at))
        {
            let name = after.split('"').nth(1).unwrap_or_default();
            assert!(named.iter().any(|known| known == name), "{name}");
            examples += 1;
        }
        assert!(examples > 5, "saw only {examples} examples");
    }
}
