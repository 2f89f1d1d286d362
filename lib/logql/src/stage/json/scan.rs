//! Reads JSON in place: the fields of an object, each with its value as written. Lenient like the parser that
//! Loki uses: what stands behind the object does not matter, and fields before a fault are handed out.

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its raw form is without the quotes.
    Text,
    /// With its braces.
    Object,
    /// With its brackets.
    Array,
    /// `null`
    Null,
    /// A number or a boolean.
    Other,
}

/// Calls `visit` with name, kind and raw value of each field of the object in `text`.
///
/// # Errors
/// When `text` does not begin with an object, or when it is broken.
pub fn for_each_field<'a>(text: &'a [u8], visit: &mut dyn FnMut(&str, Kind, &'a [u8])) -> Result<(), String> {
    let mut at = blanks(text, 0);
    if text.get(at) != Some(&b'{') {
        return Err(format!("expecting json object(6), but it is not ({})", text.len()));
    }
    at = blanks(text, at + 1);
    if text.get(at) == Some(&b'}') {
        return Ok(());
    }
    loop {
        let (kind, key, end) = value(text, at)?;
        if kind != Kind::Text {
            return Err(broken(at));
        }
        at = expect(text, end, b':')?;
        let (kind, raw, end) = value(text, at)?;
        visit(&unescape(key), kind, raw);
        at = blanks(text, end);
        match text.get(at) {
            Some(b'}') => return Ok(()),
            Some(b',') => at = blanks(text, at + 1),
            _ => return Err("Value looks like object, but can't find closing '}' symbol".into()),
        }
    }
}

/// The value of the field `name` of an object; of two the first.
pub fn field<'a>(object: &'a [u8], name: &str) -> Option<(Kind, &'a [u8])> {
    let mut found = None;
    // what is broken behind the field does not matter
    let _ = for_each_field(object, &mut |key, kind, raw| {
        if key == name && found.is_none() {
            found = Some((kind, raw));
        }
    });
    found
}

/// The element at `index` of an array.
pub fn element(array: &[u8], index: usize) -> Option<(Kind, &[u8])> {
    let mut at = blanks(array, 0);
    if array.get(at) != Some(&b'[') {
        return None;
    }
    at = blanks(array, at + 1);
    for i in 0.. {
        let (kind, raw, end) = value(array, at).ok()?;
        if i == index {
            return Some((kind, raw));
        }
        at = expect(array, end, b',').ok()?;
    }
    None
}

fn broken(at: usize) -> String {
    format!("Malformed JSON error at {at}")
}

fn blanks(text: &[u8], at: usize) -> usize {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
    text[at..].iter().position(|b| !blank(b)).map_or(text.len(), |i| at + i)
}

fn expect(text: &[u8], at: usize, wanted: u8) -> Result<usize, String> {
    let at = blanks(text, at);
    if text.get(at) == Some(&wanted) { Ok(blanks(text, at + 1)) } else { Err(broken(at)) }
}

/// Kind, raw form and end of the value at `at`.
fn value(text: &[u8], at: usize) -> Result<(Kind, &[u8], usize), String> {
    match text.get(at) {
        Some(b'"') => {
            let end = string_end(text, at)?;
            Ok((Kind::Text, &text[at + 1..end - 1], end))
        }
        Some(b'{') => block_end(text, at).map(|end| (Kind::Object, &text[at..end], end)),
        Some(b'[') => block_end(text, at).map(|end| (Kind::Array, &text[at..end], end)),
        _ => literal(text, at),
    }
}

fn literal(text: &[u8], at: usize) -> Result<(Kind, &[u8], usize), String> {
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let end = text[at..].iter().position(|b| !part(b)).map_or(text.len(), |i| at + i);
    let raw = &text[at..end];
    let number = || std::str::from_utf8(raw).is_ok_and(|t| t.parse::<f64>().is_ok());
    match raw {
        b"null" => Ok((Kind::Null, raw, end)),
        b"true" | b"false" => Ok((Kind::Other, raw, end)),
        [b'-' | b'0'..=b'9', ..] if number() => Ok((Kind::Other, raw, end)),
        _ => Err("Unknown value type".into()),
    }
}

/// Behind the closing quote of the string that begins at `at`.
fn string_end(text: &[u8], at: usize) -> Result<usize, String> {
    let mut i = at + 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', text.get(i..).unwrap_or_default()) {
        i += found;
        if text[i] == b'"' {
            return Ok(i + 1);
        }
        i += 2;
    }
    Err("Value is string, but can't find closing '\"' symbol".into())
}

/// Behind the bracket that closes the one at `at`; quoted brackets do not count.
fn block_end(text: &[u8], at: usize) -> Result<usize, String> {
    let (open, close) = if text[at] == b'{' { (b'{', b'}') } else { (b'[', b']') };
    let (mut depth, mut i) = (0_usize, at);
    while let Some(&byte) = text.get(i) {
        match byte {
            b'"' => {
                i = string_end(text, i)?;
                continue;
            }
            b if b == open => depth += 1,
            b if b == close => depth -= 1,
            _ => {}
        }
        i += 1;
        if depth == 0 {
            return Ok(i);
        }
    }
    let what = if open == b'{' { "object" } else { "array" };
    Err(format!("Value looks like {what}, but can't find closing '{}' symbol", char::from(close)))
}

/// A string's text without its escapes.
pub fn unescape(raw: &[u8]) -> String {
    if !raw.contains(&b'\\') {
        return String::from_utf8_lossy(raw).into_owned();
    }
    let text = String::from_utf8_lossy(raw);
    // control characters within strings are common in logs and forbidden in JSON
    let strict: String =
        text.chars().flat_map(|c| control(c).into_iter().chain((c >= ' ').then_some(c))).collect();
    serde_json::from_str(&format!("\"{strict}\"")).unwrap_or_else(|_| text.into_owned())
}

fn control(c: char) -> Vec<char> {
    if c < ' ' { format!("\\u{:04x}", u32::from(c)).chars().collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> (String, bool) {
        let mut out = String::new();
        let result = for_each_field(text.as_bytes(), &mut |key, kind, raw| {
            out += &format!("{key}:{kind:?}:{} ", String::from_utf8_lossy(raw));
        });
        (out.trim_end().to_owned(), result.is_ok())
    }

    #[test]
    fn values_are_handed_out_as_written() {
        let (found, ok) =
            fields(r#" {"a":1.50,"b" : "x\"y","c":{"d":"}"},"e":[1,"]"],"n":null,"t":true} rest"#);
        assert_eq!(
            found,
            r#"a:Other:1.50 b:Text:x\"y c:Object:{"d":"}"} e:Array:[1,"]"] n:Null:null t:Other:true"#
        );
        assert!(ok);
    }

    #[test]
    fn fields_before_a_fault_are_handed_out() {
        assert_eq!(fields(r#"{"a":"b","c":"#), ("a:Text:b".into(), false));
        for text in
            ["", "x", "[1]", "{", r#"{"a"}"#, r#"{"a":tru}"#, r#"{"a":"b"#, r#"{1:2}"#, r#"{"a":{"b":1}"#]
        {
            assert!(!fields(text).1, "{text}");
        }
    }

    #[test]
    fn escapes_are_resolved_and_control_characters_tolerated() {
        assert_eq!(unescape(br#"a\n\u00e9\"\ud83d\ude00"#), "a\né\"😀");
        assert_eq!(unescape(b"a\tb\\n"), "a\tb\n");
        assert_eq!(unescape(b"broken \\x"), "broken \\x");
    }
}
