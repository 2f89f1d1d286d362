//! An error in a file: where it is, what is wrong, what to write instead.

use std::fmt;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// One error in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Path as the user gave it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: Option<String>,
    /// The line of the file, for the snippet.
    pub source: String,
}

/// Every error that was found, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostic {
    /// An error at a place of `text`, which is the content of `file`.
    pub fn at(file: &str, text: &str, line: usize, column: usize, message: impl Into<String>) -> Self {
        let source = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned();
        Diagnostic { file: file.into(), line, column, message: message.into(), remedy: None, source }
    }

    /// The same with advice.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Bytes of the snippet's line that are underlined: the word at the column.
    fn span(&self) -> std::ops::Range<usize> {
        let skip = self.column.saturating_sub(1);
        let start = self.source.char_indices().nth(skip).map_or(self.source.len(), |(at, _)| at);
        let rest = &self.source[start..];
        let word = rest.find(|c: char| c.is_whitespace() || ":,]})".contains(c)).unwrap_or(rest.len());
        start..(start + word.max(1)).min(self.source.len()).max(start)
    }
}

impl Diagnostics {
    /// Each in one line: `LINE:COLUMN MESSAGE`.
    pub fn headlines(&self) -> Vec<String> {
        self.0.iter().map(|d| format!("{}:{} {}", d.line, d.column, d.message)).collect()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snippet = Snippet::source(&self.source)
            .line_start(self.line)
            .path(&self.file)
            .annotation(AnnotationKind::Primary.span(self.span()));
        let group = Level::ERROR.primary_title(&self.message).element(snippet);
        let report = match &self.remedy {
            Some(remedy) => group.element(Level::HELP.message(remedy)),
            None => group,
        };
        f.write_str(&Renderer::plain().render(&[report]))
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            let gap = if i == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{diagnostic}")?;
        }
        Ok(())
    }
}
