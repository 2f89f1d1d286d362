//! Texts that every match of a regular expression holds one of: a store finds them faster than the expression.

use regex_syntax::{
    ParserBuilder,
    hir::{Hir, HirKind},
};

/// More texts than this are not worth it.
const MOST_TEXTS: usize = 16;

/// Texts of which each match of `pattern` (in the syntax of the regex crate) holds one at least; `None` if there are
/// none that are worth a search.
pub fn required(pattern: &str) -> Option<Vec<String>> {
    let parsed = ParserBuilder::new().utf8(false).build().parse(pattern).ok()?;
    of(&parsed)
}

fn of(part: &Hir) -> Option<Vec<String>> {
    match part.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            // It stands for bytes that are no text.
            (!text.contains(char::REPLACEMENT_CHARACTER)).then(|| vec![text.to_owned()])
        }
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => of(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(of).max_by_key(|texts| shortest(texts)),
        HirKind::Alternation(parts) => {
            let all: Option<Vec<Vec<String>>> = parts.iter().map(of).collect();
            all.map(|all| all.concat()).filter(|all| all.len() <= MOST_TEXTS)
        }
        _ => None,
    }
}

fn shortest(texts: &[String]) -> usize {
    texts.iter().map(String::len).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pattern: &str) -> String {
        required(pattern).map_or_else(|| "none".into(), |texts| texts.join("|"))
    }

    #[test]
    fn the_longest_text_that_must_be_there_is_found() {
        assert_eq!(texts("a.*timeout=[0-9]+ms"), "timeout=");
        assert_eq!(texts("x(?:refused|denied)+"), "refused|denied");
        assert_eq!(texts("(?P<a>failed)?.b"), "b");
    }

    #[test]
    fn what_may_be_missing_or_written_otherwise_is_not_required() {
        assert_eq!(texts("[a-z]+"), "none");
        assert_eq!(texts("(?i)error"), "none");
        assert_eq!(texts("(a|[bc])"), "none");
        assert_eq!(texts("(abc)*"), "none");
        assert_eq!(texts("\u{fffd}"), "none");
    }
}
