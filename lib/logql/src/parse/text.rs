//! Quoted texts: Go's escapes, both ways.

use event::escape;

/// The text between double quotes without its escapes; `None` for an escape that does not exist.
pub fn unquote(raw: &str) -> Option<String> {
    if !raw.contains('\\') {
        return Some(raw.into());
    }
    Some(String::from_utf8_lossy(&escape::unescape(raw, '"')?).into_owned())
}

/// In double quotes, with the escapes that [`unquote`] reads.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_and_unquoting_are_inverse() {
        for text in ["", "plain", "a \"b\" \\c\n\t\u{1b}[31m Ω \u{7f}"] {
            let quoted = quote(text);
            assert_eq!(unquote(&quoted[1..quoted.len() - 1]).as_deref(), Some(text));
        }
    }

    #[test]
    fn every_escape_of_go_is_known_and_no_other() {
        assert_eq!(unquote(r"\x41\102\u00e9\U0001F600\a").as_deref(), Some("ABé😀\u{7}"));
        assert_eq!(unquote(r"\d"), None);
        assert_eq!(unquote(r"\x4"), None);
        assert_eq!(unquote("\\"), None);
    }
}
