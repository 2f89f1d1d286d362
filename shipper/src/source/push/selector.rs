//! The labels of a pushed stream in selector form: `{job="syslog", host="web1"}`.

use event::Labels;

/// # Errors
/// What is wrong, and at which byte.
pub fn parse(text: &str) -> Result<Labels, String> {
    let mut parser = Parser { text, at: 0 };
    let pairs = parser.pairs()?;
    Ok(pairs.into_iter().collect())
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`
pub fn is_label_name(name: &str) -> bool {
    let valid = |(i, b): (usize, u8)| b == b'_' || b.is_ascii_alphabetic() || (i > 0 && b.is_ascii_digit());
    !name.is_empty() && name.bytes().enumerate().all(valid)
}

/// As queries can name it: what is neither letter, digit nor underscore becomes an underscore.
pub fn label_name(name: &str) -> String {
    let start = if name.starts_with(|c: char| c.is_ascii_digit()) { "key_" } else { "" };
    let body = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    start.chars().chain(body).collect()
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn pairs(&mut self) -> Result<Vec<(String, String)>, String> {
        let mut pairs = Vec::new();
        self.expect('{')?;
        while !self.eat('}') {
            if !pairs.is_empty() {
                self.expect(',')?;
                if self.eat('}') {
                    break;
                }
            }
            let name = self.name()?;
            self.expect('=')?;
            pairs.push((name.to_owned(), self.quoted()?));
        }
        self.skip_blanks();
        if self.rest().is_empty() { Ok(pairs) } else { Err(self.error("the end")) }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.eat(wanted) { Ok(()) } else { Err(self.error(&format!("`{wanted}`"))) }
    }

    fn name(&mut self) -> Result<&'a str, String> {
        self.skip_blanks();
        let rest = self.rest();
        let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let name = &rest[..end];
        if !is_label_name(name) {
            return Err(self.error("a label name"));
        }
        self.at += end;
        Ok(name)
    }

    /// In double quotes with Go's escapes, or in backquotes as it is.
    fn quoted(&mut self) -> Result<String, String> {
        if self.eat('`') {
            let end = self.rest().find('`').ok_or_else(|| self.error("a closing backquote"))?;
            let value = self.rest()[..end].to_owned();
            self.at += end + 1;
            return Ok(value);
        }
        self.expect('"')?;
        let mut value = String::new();
        loop {
            let Some(next) = self.take() else { return Err(self.error("a closing quote")) };
            match next {
                '"' => return Ok(value),
                '\\' => value.push(self.escaped()?),
                other => value.push(other),
            }
        }
    }

    fn take(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn escaped(&mut self) -> Result<char, String> {
        let wrong = self.error("an escape like \\n, \\\" or \\u00e9");
        Ok(match self.take().ok_or_else(|| wrong.clone())? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'v' => '\x0b',
            same @ ('"' | '\\' | '\'') => same,
            'x' => self.code(2).ok_or(wrong)?,
            'u' => self.code(4).ok_or(wrong)?,
            'U' => self.code(8).ok_or(wrong)?,
            _ => return Err(wrong),
        })
    }

    fn code(&mut self, digits: usize) -> Option<char> {
        let text = self.rest().get(..digits)?;
        self.at += digits;
        char::from_u32(u32::from_str_radix(text, 16).ok()?)
    }

    fn error(&self, wanted: &str) -> String {
        format!("labels {:?}: expected {wanted} at byte {}", self.text, self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_labels_with_go_escapes() {
        let labels = parse(r#"{ job="a, \"b\"\u00e9\n" , host=`c:\d`,}"#).unwrap();
        assert_eq!(labels, Labels::from([("job", "a, \"b\"é\n"), ("host", r"c:\d")]));
        assert_eq!(parse("{}").unwrap(), Labels::default());
    }

    #[test]
    fn an_error_says_what_was_expected_and_where() {
        for (text, wanted) in [
            ("job=1", "expected `{` at byte 0"),
            (r#"{job="a""#, "expected `,` at byte 8"),
            (r#"{job="a"#, "a closing quote at byte 7"),
            (r#"{1a="b"}"#, "a label name at byte 1"),
            (r#"{a="b"} x"#, "the end at byte 8"),
            (r#"{a="\q"}"#, "an escape"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
