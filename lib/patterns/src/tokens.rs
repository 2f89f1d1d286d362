//! From a line to tokens, and back to a text.

use crate::VALUE;

/// What lies behind is a value.
const MAX_BYTES: usize = 2048;
const MAX_TOKENS: usize = 200;

/// The line between its spaces. Of each part, what holds a digit is a value.
pub fn tokens(line: &str) -> Vec<String> {
    let text = line.trim_end_matches(['\n', '\r']);
    let begin = &text[..text.floor_char_boundary(MAX_BYTES)];
    let mut tokens: Vec<String> = begin.split(' ').take(MAX_TOKENS).map(masked).collect();
    let is_cut = begin.len() < text.len() || begin.split(' ').nth(MAX_TOKENS).is_some();
    if let Some(last) = tokens.last_mut().filter(|_| is_cut) {
        *last = VALUE.to_owned();
    }
    tokens
}

/// The token by which patterns are sorted; one for all that hold a value.
pub fn masked_first(tokens: &[String]) -> String {
    let first = tokens.first().map_or("", String::as_str);
    if first.contains(VALUE) { VALUE } else { first }.to_owned()
}

/// The line again, with values as `<_>`.
pub fn text(tokens: &[String]) -> String {
    tokens.join(" ")
}

/// What two tokens have in common: `user=<_>` of `user=a` and `user=b`, or a value.
pub fn merged(a: &str, b: &str) -> String {
    let common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let name = a[..a.floor_char_boundary(common)].rfind('=').map_or("", |at| &a[..=at]);
    format!("{name}{VALUE}")
}

/// Words with a digit become values, and values with one sign between them one value.
fn masked(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut rest = part;
    while !rest.is_empty() {
        let word = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(word);
        out.push_str(if word.bytes().any(|b| b.is_ascii_digit()) { VALUE } else { word });
        let sign = behind.chars().next().map_or(0, char::len_utf8);
        out.push_str(&behind[..sign]);
        rest = &behind[sign..];
    }
    joined(out)
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// `<_>:<_>` is one value: a time, an address, a path of numbers.
fn joined(mut text: String) -> String {
    for sign in [":", "/", ",", "@", "+", ""] {
        let pair = format!("{VALUE}{sign}{VALUE}");
        while text.contains(&pair) {
            text = text.replace(&pair, VALUE);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked_line(line: &str) -> String {
        text(&tokens(line))
    }

    #[test]
    fn what_holds_a_digit_is_a_value() {
        assert_eq!(masked_line("took 15ms for user bob"), "took <_> for user bob");
        assert_eq!(masked_line("2026-11-20T10:00:01Z from 10.0.0.1:80"), "<_> from <_>");
        assert_eq!(masked_line("GET /api/v1/users/17?id=9"), "GET /api/<_>/users/<_>?id=<_>");
        assert_eq!(masked_line(r#"level=info msg="done" n=1"#), r#"level=info msg="done" n=<_>"#);
        assert_eq!(masked_line("a  b"), "a  b", "spaces stay");
    }

    #[test]
    fn long_lines_end_in_a_value() {
        let line = "word ".repeat(1000);
        let tokens = tokens(&line);
        assert_eq!((tokens.len(), tokens.last().map(String::as_str)), (200, Some(VALUE)));
    }

    #[test]
    fn different_values_of_one_name_keep_the_name() {
        assert_eq!(merged("user=alice", "user=bob"), "user=<_>");
        assert_eq!(merged("alice", "bob"), "<_>");
        assert_eq!(merged("naïve=ä", "naïve=ö"), "naïve=<_>");
    }
}
