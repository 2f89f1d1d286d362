//! One condition of a selector: `job="syslog"`, `host=~"web.*"`.

use std::fmt;

use regex::Regex;

use crate::{Labels, re2};

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, anchored at both ends
    Regex,
    /// `!~`, anchored at both ends
    NotRegex,
}

/// A label that is not there counts as the empty string, as in Prometheus and Loki.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// Name of the label.
    pub name: String,
    /// How to compare.
    pub op: MatchOp,
    /// Text or regular expression, as written.
    pub value: String,
    regex: Option<Regex>,
}

impl Matcher {
    /// # Errors
    /// When `value` is to be a regular expression and is none.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, regex::Error> {
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => {
                Some(Regex::new(&format!("^(?s:{})$", re2::translate(value)))?)
            }
        };
        Ok(Matcher { name: name.into(), op, value: value.into(), regex })
    }

    /// `name="value"`.
    pub fn equal(name: &str, value: &str) -> Self {
        Matcher { name: name.into(), op: MatchOp::Equal, value: value.into(), regex: None }
    }

    /// Whether a label of this value (`""`: not there) fits.
    pub fn matches(&self, value: &str) -> bool {
        let found = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => self.value == value,
        };
        found == matches!(self.op, MatchOp::Equal | MatchOp::Regex)
    }

    /// Whether the label of this name in `labels` fits.
    pub fn matches_labels(&self, labels: &Labels) -> bool {
        self.matches(labels.get(&self.name).unwrap_or(""))
    }

    /// Whether a set without the label fits too.
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = match self.op {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Regex => "=~",
            MatchOp::NotRegex => "!~",
        };
        write!(f, "{}{op}{:?}", self.name, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_expressions_are_anchored_and_absent_labels_are_empty() {
        let labels = Labels::from([("host", "web1")]);
        let fits = |op, value| Matcher::new("host", op, value).unwrap().matches_labels(&labels);
        assert!(fits(MatchOp::Regex, "web."));
        assert!(!fits(MatchOp::Regex, "eb1"));
        assert!(!fits(MatchOp::Regex, "x|we"));
        assert!(fits(MatchOp::NotRegex, "db.*"));
        assert!(!fits(MatchOp::Regex, "web{x}"));
        assert!(Matcher::new("pod", MatchOp::NotEqual, "a").unwrap().matches_labels(&labels));
        assert!(Matcher::new("pod", MatchOp::Equal, "").unwrap().matches_labels(&labels));
    }
}
