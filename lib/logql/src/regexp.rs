//! Regular expressions over bytes, within a limit.

use regex::bytes::{Regex, RegexBuilder};

use crate::parse::reason;

/// Largest compiled regular expression, in bytes.
const MAX_REGEX_BYTES: usize = 4 << 20;

/// # Errors
/// When `pattern` is no regular expression, or one that is too large.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&literal_braces(pattern))
        .size_limit(MAX_REGEX_BYTES)
        .build()
        .map_err(|e| format!("error parsing regexp: {}", reason(&e)))
}

/// RE2 takes a brace that does not begin a repetition as itself.
fn literal_braces(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '\\']) {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        // an escape, `\p{Greek}` and `\x{41}` included, stays as it is
        let taken = match tail.as_bytes() {
            [b'\\', b'p' | b'P' | b'x', b'{', ..] => 3,
            [b'\\', ..] => 1 + tail[1..].chars().next().map_or(0, char::len_utf8),
            [_, b'0'..=b'9', ..] => 1,
            _ => {
                out.push('\\');
                1
            }
        };
        out.push_str(&tail[..taken]);
        rest = &tail[taken..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brace_that_repeats_nothing_is_a_character() {
        assert!(compile("id={[a-z]+}").unwrap().is_match(b"id={abc}"));
        assert!(compile(r"^\d{2}\{\p{Lu}$").unwrap().is_match("42{Ä".as_bytes()));
    }

    #[test]
    fn what_is_too_large_or_broken_is_refused() {
        assert!(compile("((a{100}){100}){100}").is_err());
        assert!(compile("a\\").unwrap_err().starts_with("error parsing regexp: "));
    }
}
