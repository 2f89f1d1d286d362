//! Quoted texts: Go's escapes, both ways.

/// The text between double quotes without its escapes; `None` for an escape that does not exist.
pub fn unquote(raw: &str) -> Option<String> {
    if !raw.contains('\\') {
        return Some(raw.into());
    }
    let mut out: Vec<u8> = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.extend(&rest.as_bytes()[..at]);
        rest = escape(&rest[at + 1..], &mut out)?;
    }
    out.extend(rest.as_bytes());
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// Reads one escape (behind its backslash); returns what follows it.
fn escape<'a>(text: &'a str, out: &mut Vec<u8>) -> Option<&'a str> {
    let kind = text.chars().next()?;
    let rest = &text[kind.len_utf8()..];
    let plain = match kind {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        '"' => b'"',
        'x' => return byte(rest, 2, 16, out),
        '0'..='7' => return byte(text, 3, 8, out),
        'u' => return code_point(rest, 4, out),
        'U' => return code_point(rest, 8, out),
        _ => return None,
    };
    out.push(plain);
    Some(rest)
}

fn byte<'a>(text: &'a str, digits: usize, radix: u32, out: &mut Vec<u8>) -> Option<&'a str> {
    let number = text.get(..digits)?;
    out.push(u8::from_str_radix(number, radix).ok()?);
    Some(&text[digits..])
}

fn code_point<'a>(text: &'a str, digits: usize, out: &mut Vec<u8>) -> Option<&'a str> {
    let number = text.get(..digits)?;
    let c = char::from_u32(u32::from_str_radix(number, 16).ok()?)?;
    out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
    Some(&text[digits..])
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
