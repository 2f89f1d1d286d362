//! Quoted texts: Go's escapes, both ways.

/// The text within quotes; `quoted` has them still, and is known to end with the one it begins with.
///
/// # Errors
/// When escapes give bytes that are no text.
pub fn unquote(quoted: &str) -> Result<String, String> {
    let body = &quoted[1..quoted.len() - 1];
    if quoted.starts_with('`') || !body.contains('\\') {
        return Ok(body.to_string());
    }
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        bytes.extend(&rest.as_bytes()[..at]);
        rest = escape(&rest[at + 1..], &mut bytes);
    }
    bytes.extend(rest.as_bytes());
    String::from_utf8(bytes).map_err(|_| {
        format!("error unquoting string {}: it is not UTF-8: write the character itself", quote(quoted))
    })
}

/// Reads one escape behind its backslash, which the lexer has checked; returns what follows it.
fn escape<'a>(text: &'a str, bytes: &mut Vec<u8>) -> &'a str {
    let kind = text.chars().next().unwrap_or('\\');
    let plain = match kind {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '0'..='7' => return byte(text, 3, 8, bytes),
        'x' => return byte(&text[1..], 2, 16, bytes),
        'u' => return character(&text[1..], 4, bytes),
        'U' => return character(&text[1..], 8, bytes),
        other => {
            bytes.extend(other.encode_utf8(&mut [0; 4]).as_bytes());
            return &text[other.len_utf8()..];
        }
    };
    bytes.push(plain);
    &text[1..]
}

fn byte<'a>(text: &'a str, digits: usize, radix: u32, bytes: &mut Vec<u8>) -> &'a str {
    bytes.extend(u8::from_str_radix(&text[..digits], radix));
    &text[digits..]
}

fn character<'a>(text: &'a str, digits: usize, bytes: &mut Vec<u8>) -> &'a str {
    let number = u32::from_str_radix(&text[..digits], 16).ok();
    let character = number.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
    bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
    &text[digits..]
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
