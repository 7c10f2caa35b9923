//! How large a template may be, and how much work one rendering may do.

/// The deepest nesting that any configuration allows: threads of tokio have 2 MiB of stack.
const MAX_DEPTH: usize = 64;

/// Bounds that keep one bad template from taking memory, time or the process.
///
/// The defaults fit every mail that providers accept, and stop what no author means to write.
///
/// ```
/// use notify_core::template::TemplateLimits;
///
/// let limits = TemplateLimits::new().with_output_bytes(64 * 1024);
/// assert_eq!(limits.part_bytes, 65_536);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TemplateLimits {
    /// The source of one part or partial, in bytes. Default: 64 KiB; mail readers cut HTML at about 100 KiB.
    pub part_bytes: usize,
    /// Tags (`{{…}}`) in one part or partial. Default: 2,000; the parser's time grows with their square.
    pub tags: usize,
    /// Nested blocks, `else if` branches and partials together, and nested subexpressions by themselves.
    /// Default: 32; parser and renderer recurse, and a stack that overflows ends the process.
    pub depth: usize,
    /// One rendered part, in bytes. Default: 256 KiB, the largest body a request may give.
    pub output_bytes: usize,
    /// Work of one rendered part: elements that loops and partials visit. Default: 100,000, some 50 ms;
    /// nested loops that print nothing would escape the limit of the output.
    pub steps: u64,
}

impl Default for TemplateLimits {
    fn default() -> Self {
        Self::new()
    }
}

impl TemplateLimits {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            part_bytes: 64 * 1024,
            tags: 2_000,
            depth: 32,
            output_bytes: 256 * 1024,
            steps: 100_000,
        }
    }

    /// The nesting that is let through: never more than threads of tokio have stack for.
    pub(super) const fn depth(&self) -> usize {
        if self.depth > MAX_DEPTH {
            MAX_DEPTH
        } else {
            self.depth
        }
    }

    /// The largest source of one part or partial, in bytes.
    #[must_use]
    pub const fn with_part_bytes(mut self, bytes: usize) -> Self {
        self.part_bytes = bytes;
        self
    }

    /// The most tags in one part or partial.
    #[must_use]
    pub const fn with_tags(mut self, tags: usize) -> Self {
        self.tags = tags;
        self
    }

    /// The deepest nesting; more than 64 counts as 64, because threads of tokio have 2 MiB of stack.
    #[must_use]
    pub const fn with_depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// The largest rendered part, in bytes.
    #[must_use]
    pub const fn with_output_bytes(mut self, bytes: usize) -> Self {
        self.output_bytes = bytes;
        self
    }

    /// The most work one rendered part may take.
    #[must_use]
    pub const fn with_steps(mut self, steps: u64) -> Self {
        self.steps = steps;
        self
    }
}
