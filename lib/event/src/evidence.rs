//! What an alert stands on: the samples and log lines that its expression saw at a transition.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Labels;

/// Of one transition. The same input gives the same evidence, byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where the query API answers the expression as of this transition: path and query, behind the URL of the
    /// installation if it has one.
    pub query: String,
    /// The newest sample of each series behind the alert, in the order of the expression's selectors, then of labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<EvidenceSample>,
    /// The newest of the lines behind it, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<EvidenceLine>,
}

/// The newest sample of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceSample {
    /// With `__name__`.
    pub labels: Labels,
    /// To the millisecond.
    pub timestamp: Timestamp,
    /// `"NaN"`, `"+Inf"` and `"-Inf"` where JSON has no number.
    #[serde(with = "crate::json::number")]
    pub value: f64,
}

/// A log line, and where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceLine {
    /// Identity of the source; empty if it has none.
    pub source: String,
    /// As the source counts: of a file the byte offset behind the line.
    pub position: u64,
    /// To the nanosecond.
    pub timestamp: Timestamp,
    /// The stream.
    pub labels: Labels,
    /// As it came, at most [`EvidenceLine::MAX_BYTES`] of it; bytes that are not UTF-8 are replaced.
    pub line: String,
}

impl EvidenceLine {
    /// What is behind so many bytes of a line is cut off.
    pub const MAX_BYTES: usize = 1024;

    /// The part of a line that is shown.
    pub fn shown(line: &[u8]) -> String {
        let cut = &line[..line.len().min(Self::MAX_BYTES)];
        let end = match std::str::from_utf8(cut) {
            // The cut went through a character.
            Err(error) if error.error_len().is_none() && cut.len() < line.len() => error.valid_up_to(),
            _ => cut.len(),
        };
        String::from_utf8_lossy(&cut[..end]).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_between_two_characters() {
        let line = format!("{}äb", "a".repeat(EvidenceLine::MAX_BYTES - 1));
        assert_eq!(EvidenceLine::shown(line.as_bytes()), "a".repeat(EvidenceLine::MAX_BYTES - 1));
        assert_eq!(EvidenceLine::shown(b"a\xffb"), "a\u{fffd}b");
    }
}
