//! Texts that every match of a regular expression holds: a store finds them faster than the expression.

use regex_syntax::{
    ParserBuilder,
    hir::{Hir, HirKind},
};

/// More texts than this are not worth it.
const MOST_TEXTS: usize = 16;
/// Shorter ones are nearly everywhere.
const SHORTEST: usize = 2;

/// Texts that each match of `pattern` (in the syntax of the regex crate) holds: one at least of each list. Only those
/// that are worth a search, or the longest.
pub fn required(pattern: &str) -> Vec<Vec<String>> {
    let Ok(parsed) = ParserBuilder::new().utf8(false).build().parse(pattern) else { return Vec::new() };
    let mut all = all_of(&parsed);
    all.sort_by(|a, b| shortest(b).cmp(&shortest(a)).then_with(|| a.cmp(b)));
    all.dedup();
    let (mut at, mut count) = (0, 0);
    all.retain(|texts| {
        (at, count) = (at + 1, count + texts.len());
        at == 1 || shortest(texts) >= SHORTEST && count <= MOST_TEXTS
    });
    all
}

/// Of each list one text is in every match.
fn all_of(part: &Hir) -> Vec<Vec<String>> {
    match part.kind() {
        HirKind::Literal(literal) => text(&literal.0).map(|text| vec![text]).into_iter().collect(),
        HirKind::Capture(capture) => all_of(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => all_of(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(all_of).collect(),
        HirKind::Alternation(parts) => one_of(parts).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// One of these texts is in every match of one of the parts.
fn one_of(parts: &[Hir]) -> Option<Vec<String>> {
    let longest = |part: &Hir| all_of(part).into_iter().max_by_key(|texts| shortest(texts));
    let all: Option<Vec<Vec<String>>> = parts.iter().map(longest).collect();
    all.map(|all| all.concat()).filter(|all| all.len() <= MOST_TEXTS)
}

fn text(literal: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(literal).ok()?;
    // It stands for bytes that are no text.
    (!text.contains(char::REPLACEMENT_CHARACTER)).then(|| text.to_owned())
}

fn shortest(texts: &[String]) -> usize {
    texts.iter().map(String::len).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pattern: &str) -> String {
        let all: Vec<String> = required(pattern).iter().map(|texts| texts.join("|")).collect();
        if all.is_empty() { "none".into() } else { all.join(" and ") }
    }

    #[test]
    fn texts_that_must_be_there_are_found_but_for_short_ones() {
        assert_eq!(texts("a.*timeout=[0-9]+ms"), "timeout= and ms");
        assert_eq!(texts("GET /[a-z]+ .* (?:5|4)[0-9]"), "GET /");
        assert_eq!(texts("GET /[a-z]+ .* 5[0-9][0-9] .* 5"), "GET / and  5");
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
