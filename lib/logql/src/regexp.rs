//! Regular expressions over bytes, in the syntax of RE2 and within a limit.

use regex::bytes::{Regex, RegexBuilder};

use crate::parse::reason;

/// Largest compiled regular expression, in bytes.
const MAX_REGEX_BYTES: usize = 4 << 20;

/// # Errors
/// When `pattern` is no regular expression, or one that is too large.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&translate(pattern))
        .size_limit(MAX_REGEX_BYTES)
        .build()
        .map_err(|e| format!("error parsing regexp: {}", reason(&e)))
}

/// What RE2 says otherwise than the regex crate: `\w`, `\d`, `\s` and `\b` are about ASCII, `\Q…\E` quotes, a
/// brace that begins no repetition is itself, and so is a bracket within a class.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '\\', '[']) {
        out.push_str(&rest[..at]);
        rest = match &rest[at..] {
            tail if tail.starts_with('\\') => escape(tail, &mut out),
            tail if tail.starts_with('[') => class(tail, &mut out),
            tail => brace(tail, &mut out),
        };
    }
    out + rest
}

/// Takes what stands for a brace.
fn brace<'p>(tail: &'p str, out: &mut String) -> &'p str {
    let repeats = tail[1..].starts_with(|c: char| c.is_ascii_digit());
    out.push_str(if repeats { "{" } else { "\\{" });
    &tail[1..]
}

/// The ASCII characters of a Perl class.
fn ascii(letter: char) -> Option<&'static str> {
    match letter.to_ascii_lowercase() {
        'w' => Some("0-9A-Za-z_"),
        'd' => Some("0-9"),
        's' => Some("\\t\\n\\f\\r "),
        _ => None,
    }
}

/// Takes an escape outside of a class.
fn escape<'p>(tail: &'p str, out: &mut String) -> &'p str {
    let Some(letter) = tail[1..].chars().next() else {
        out.push('\\');
        return "";
    };
    let behind = &tail[1 + letter.len_utf8()..];
    match letter {
        'Q' => {
            let (quoted, behind) = behind.split_once("\\E").unwrap_or((behind, ""));
            out.push_str(&regex::escape(quoted));
            return behind;
        }
        'b' | 'B' => out.push_str(&format!("(?-u:\\{letter})")),
        // the brace of `\p{Greek}` and `\x{41}` is no repetition
        'p' | 'P' | 'x' if behind.starts_with('{') => {
            out.push_str(&tail[..3]);
            return &tail[3..];
        }
        _ => match ascii(letter) {
            Some(set) => out.push_str(&format!("[{}{set}]", if letter.is_uppercase() { "^" } else { "" })),
            None => out.push_str(&tail[..1 + letter.len_utf8()]),
        },
    }
    behind
}

/// Takes a class in brackets.
fn class<'p>(tail: &'p str, out: &mut String) -> &'p str {
    let opening = ["[^]", "[]", "[^", "["].iter().find(|o| tail.starts_with(**o)).map_or(1, |o| o.len());
    out.push_str(&tail[..opening]);
    let mut rest = &tail[opening..];
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match (c, rest[taken..].chars().next()) {
            (']', _) => {
                out.push(']');
                return &rest[1..];
            }
            ('[', Some(':')) => {
                taken = rest.find(":]").map_or(rest.len(), |end| end + 2);
                out.push_str(&rest[..taken]);
            }
            ('[' | '&' | '~', _) => out.extend(['\\', c]),
            ('\\', Some(letter)) => {
                taken += letter.len_utf8();
                match ascii(letter) {
                    Some(set) if letter.is_uppercase() => out.push_str(&format!("[^{set}]")),
                    Some(set) => out.push_str(set),
                    None => out.push_str(&rest[..taken]),
                }
            }
            _ => out.push(c),
        }
        rest = &rest[taken..];
    }
    rest
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
