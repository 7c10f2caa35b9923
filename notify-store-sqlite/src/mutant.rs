//! Broken on purpose, for the crash harness: what shows that it would notice. Compiled with the feature `mutants` only.

/// A promise that the store breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mutant {
    /// Callers are answered when their rows are written and the commit has not begun.
    AnswerBeforeCommit,
}
