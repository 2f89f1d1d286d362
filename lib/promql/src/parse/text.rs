//! Quoted texts: Go's escapes, both ways.

use event::escape;

/// The text within quotes; `quoted` has them still, and is known to end with the one it begins with.
///
/// # Errors
/// When escapes give bytes that are no text.
pub fn unquote(quoted: &str) -> Result<String, String> {
    let body = &quoted[1..quoted.len() - 1];
    if quoted.starts_with('`') || !body.contains('\\') {
        return Ok(body.to_string());
    }
    let bytes = escape::unescape(body, quoted.chars().next().unwrap_or('"'));
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        format!("error unquoting string {}: it is not UTF-8: write the character itself", quote(quoted))
    })
}

/// In double quotes, as Go's `%q` writes it.
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
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
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
    fn escapes_are_those_of_go() {
        assert_eq!(unquote(r#""a\n\t\x41\101\u00e9\U0001F600\"""#), Ok("a\n\tAAé😀\"".into()));
        assert_eq!(unquote(r"`a\n`"), Ok("a\\n".into()));
        assert_eq!(unquote(r#"'\xc3\xa9'"#), Ok("é".into()));
        assert!(unquote(r#""\xff""#).is_err());
        assert_eq!(quote("a\"\n\u{1}"), r#""a\"\n\x01""#);
    }
}
