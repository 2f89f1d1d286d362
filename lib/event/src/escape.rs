//! The escapes of Go's quoted texts, which both query languages have.

/// The bytes that a text between two `quote`s stands for; `None` for an escape that does not exist.
pub fn unescape(body: &str, quote: char) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        out.extend(&rest.as_bytes()[..at]);
        rest = escape(&rest[at + 1..], quote, &mut out)?;
    }
    out.extend(rest.as_bytes());
    Some(out)
}

/// Reads one escape behind its backslash; returns what follows it.
fn escape<'a>(text: &'a str, quote: char, out: &mut Vec<u8>) -> Option<&'a str> {
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
        '\'' if quote == '\'' => b'\'',
        '"' if quote == '"' => b'"',
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
    out.push(number(text, digits, radix)?.try_into().ok()?);
    Some(&text[digits..])
}

fn code_point<'a>(text: &'a str, digits: usize, out: &mut Vec<u8>) -> Option<&'a str> {
    let c = char::from_u32(number(text, digits, 16)?)?;
    out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
    Some(&text[digits..])
}

/// So many digits and nothing else: Rust's own reading would let a sign pass.
fn number(text: &str, digits: usize, radix: u32) -> Option<u32> {
    let number = text.get(..digits).filter(|number| number.chars().all(|c| c.is_digit(radix)))?;
    u32::from_str_radix(number, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_escaped_within_its_own_kind_alone() {
        assert_eq!(unescape(r"it\'s", '\''), Some(b"it's".to_vec()));
        assert_eq!(unescape(r"it\'s", '"'), None);
    }

    #[test]
    fn a_number_has_digits_alone() {
        assert_eq!(unescape(r"\x41\101\u0041", '"'), Some(b"AAA".to_vec()));
        for wrong in [r"\x+1", r"\400", r"\u12", r"\ud800"] {
            assert_eq!(unescape(wrong, '"'), None, "{wrong}");
        }
    }
}
