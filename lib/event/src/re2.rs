//! The syntax of RE2, in which people write regular expressions, as the regex crate reads it.

/// What RE2 says otherwise than the regex crate: `\w`, `\d`, `\s` and `\b` are about ASCII, `\Q…\E` quotes, a
/// brace that begins no repetition is itself, and so is a bracket within a class.
pub fn translate(pattern: &str) -> String {
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

    #[test]
    fn patterns_mean_what_they_mean_in_re2() {
        assert_eq!(translate("a{b}{2}"), "a\\{b}{2}");
        assert_eq!(translate(r"\d\Q.\E[[\w]"), r"[0-9]\.[\[0-9A-Za-z_]");
    }
}
