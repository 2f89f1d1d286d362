//! Series as Prometheus' unit tests describe them: a metric, and values like `1 2+3x4 _ stale {{sum:1 count:2}}x3`.

mod histogram;
mod values;

use event::{Histogram, Labels, MatchOp};

use crate::{ParseError, parse_selector};

pub use histogram::describe_histogram;
pub use values::parse_values;

/// One value of a described series.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A number; `stale` is the NaN of [`event::Sample::STALE_BITS`].
    Number(f64),
    /// A native histogram.
    Histogram(Histogram),
}

/// The labels of a metric as it is written: `up{job="a"}`, `{job="a"}`, `up`, or nothing.
///
/// # Errors
/// When `text` is no metric, or has a matcher other than `=`.
pub fn parse_metric(text: &str) -> Result<Labels, ParseError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Labels::default());
    }
    let matchers = parse_selector(&with_some_matcher(text))?;
    let mut labels = Vec::new();
    for matcher in matchers.iter().filter(|matcher| matcher.name != ANY) {
        if matcher.op != MatchOp::Equal {
            let message = format!("a metric's label `{}` has one value: write `=`", matcher.name);
            return Err(ParseError::new(message));
        }
        labels.push((matcher.name.as_str(), matcher.value.as_str()));
    }
    Ok(labels.into_iter().collect())
}

/// No metric has a label of this name.
const ANY: &str = "__any__";

/// A selector must not match everything, a metric may have no labels at all.
fn with_some_matcher(text: &str) -> String {
    match text.strip_suffix('}').map(str::trim_end) {
        Some(open) if open.ends_with(['{', ',']) => format!("{open}{ANY}!=\"\"}}"),
        Some(open) => format!("{open},{ANY}!=\"\"}}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_with_and_without_name_and_labels() {
        let shown = |text: &str| parse_metric(text).map(|labels| labels.to_string());
        assert_eq!(shown("up"), Ok(r#"{__name__="up"}"#.into()));
        assert_eq!(shown(r#" up{job="a", host="b",} "#), Ok(r#"{__name__="up", host="b", job="a"}"#.into()));
        assert_eq!(shown(r#"{"some.name", a="}"}"#), Ok(r#"{__name__="some.name", a="}"}"#.into()));
        assert_eq!((shown("{}"), shown("")), (Ok("{}".into()), Ok("{}".into())));
        for wrong in ["up{job=\"a\"", "up{job!=\"a\"}", "up + 1", "sum(up)"] {
            assert!(parse_metric(wrong).is_err(), "{wrong}");
        }
    }
}
