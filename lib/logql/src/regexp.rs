//! Regular expressions over bytes, in the syntax of RE2 and within a limit.

use regex::bytes::{Regex, RegexBuilder};

use crate::{literals, parse::reason};

/// Largest compiled regular expression, in bytes.
const MAX_REGEX_BYTES: usize = 4 << 20;

/// # Errors
/// When `pattern` is no regular expression, or one that is too large.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&event::re2::translate(pattern))
        .size_limit(MAX_REGEX_BYTES)
        .build()
        .map_err(|e| format!("error parsing regexp: {}", reason(&e)))
}

/// Texts of which every match of `pattern` holds one at least of each list.
pub fn required(pattern: &str) -> Vec<Vec<String>> {
    literals::required(&event::re2::translate(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, line: &str) -> bool {
        compile(pattern).unwrap().is_match(line.as_bytes())
    }

    #[test]
    fn a_brace_that_repeats_nothing_is_a_character() {
        assert!(matches("id={[a-z]+}", "id={abc}"));
        assert!(matches(r"^\d{2}\{\p{Lu}\x{41}$", "42{ÄA"));
    }

    #[test]
    fn classes_of_letters_are_about_ascii() {
        assert!(matches(r"^\w+$", "a_1") && !matches(r"^\w+$", "é"));
        assert!(matches(r"^[\w.-]+[^\s\d]$", "a.b-c") && !matches(r"^[\d]$", "٣"));
        assert!(matches(r"^\S\D\W$", "ab ") && matches(r"[\S\s]mysql[^\W]", "\nmysqlx"));
        assert!(matches(r"\bok\b", "is ok."));
    }

    #[test]
    fn brackets_and_operators_within_a_class_are_characters() {
        assert!(matches(r"^[[a&&b~]+$", "[&~") && matches(r"^[]a]+$", "a]") && matches(r"^[^]]$", "["));
        assert!(matches(r"^[[:alpha:]x\]]+$", "b]"));
        assert!(matches(r"^\Qa.b\E.$", "a.bc") && !matches(r"^\Qa.b", "axb"));
    }

    #[test]
    fn what_is_too_large_or_broken_is_refused() {
        assert!(compile("((a{100}){100}){100}").is_err());
        assert!(compile("a\\").unwrap_err().starts_with("error parsing regexp: "));
        assert!(compile("[a").is_err() && compile("(").is_err() && compile("[[:alpha").is_err());
    }
}
