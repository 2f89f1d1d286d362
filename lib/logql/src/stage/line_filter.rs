//! `|= "text"`, `!= "text"`, `|~ "regex"`, `!~ "regex"`, each with alternatives (`or`).

/// One line filter.
#[derive(Clone, Debug)]
pub struct LineFilter {}

impl LineFilter {
    /// Whether a line passes.
    pub fn matches(&self, _line: &[u8]) -> bool {
        true
    }

    /// Texts of which every line that passes holds at least one, byte for byte; `None` if the filter has no
    /// such texts. A store may skip blocks without any of them.
    pub fn required_texts(&self) -> Option<Vec<&str>> {
        None
    }
}
