//! Cuts a line into what is likely to stay and what is likely to vary.

use super::clock::Format;

/// Takes the pieces of a line, in order.
pub trait Pieces {
    /// Text that stays.
    fn text(&mut self, text: &[u8]);
    /// A byte that a template cannot hold as it is.
    fn special(&mut self, byte: u8);
    fn value(&mut self, value: &[u8]);
    fn time(&mut self, format: Format, value: i64);
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Delimiter,
    /// Of words: ASCII letters, `_`, and all that is not ASCII.
    Letter,
    Digit,
    Special,
}

/// Bytes below this have a meaning in templates.
pub const SPECIAL: u8 = 4;

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Delimiter; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' => Class::Digit,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => Class::Letter,
            ..SPECIAL => Class::Special,
            _ => Class::Delimiter,
        };
        byte += 1;
    }
    classes
};

pub fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// Hands the pieces of `line` over.
pub fn cut(line: &[u8], pieces: &mut impl Pieces) {
    let (mut text, mut at) = (0, 0);
    while let Some(found) = next(line, at) {
        let (start, end) = if class(line[found]) == Class::Special {
            pieces.text(&line[text..found]);
            pieces.special(line[found]);
            (found, found + 1)
        } else if Format::may_begin(&line[found..])
            && let Some((format, value, length)) = Format::parse(&line[found..])
        {
            pieces.text(&line[text..found]);
            pieces.time(format, value);
            (found, found + length)
        } else {
            let token = Token::at(line, found);
            let Some(start) = token.value_start(line) else {
                at = token.end;
                continue;
            };
            pieces.text(&line[text..start]);
            pieces.value(&line[start..token.end]);
            (start, token.end)
        };
        debug_assert!(start < end);
        (text, at) = (end, end);
    }
    pieces.text(&line[text..]);
}

/// The token is over before this byte.
const EDGE: u8 = 1;
/// The byte tells that its token may be more than a word.
const SIGN: u8 = 2;

const HINTS: [u8; 256] = {
    let mut hints = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        hints[byte] = match CLASSES[byte] {
            Class::Special => SIGN | EDGE,
            Class::Digit => SIGN,
            Class::Delimiter if byte as u8 == b'-' => SIGN | EDGE,
            Class::Delimiter => EDGE,
            Class::Letter if Format::has_initial(byte as u8) => SIGN,
            Class::Letter => 0,
        };
        byte += 1;
    }
    hints
};

/// Where the next token begins that may be more than a word, or the next special byte is; a token may begin at `from`.
/// Most bytes are passed over here.
fn next(line: &[u8], from: usize) -> Option<usize> {
    let mut token = from;
    for (at, byte) in (from..).zip(&line[from..]) {
        let hint = HINTS[usize::from(*byte)];
        if hint & SIGN != 0 {
            match class(*byte) {
                Class::Special => return Some(at),
                Class::Digit => return Some(token),
                Class::Delimiter if at - token == UUID_FIRST => return Some(token),
                Class::Letter if at == token && Format::may_begin(&line[at..]) => return Some(token),
                Class::Delimiter | Class::Letter => {}
            }
        }
        token = if hint & EDGE != 0 { at + 1 } else { token };
    }
    None
}

/// Letters and digits in a row; also a whole IPv4 address, and a whole UUID.
struct Token {
    start: usize,
    end: usize,
    first_digit: Option<usize>,
}

impl Token {
    fn at(line: &[u8], start: usize) -> Self {
        let letters = run(&line[start..], |class| class == Class::Letter);
        let digit = start + letters;
        // Most tokens are words.
        let has_digit = line.get(digit).is_some_and(|byte| class(*byte) == Class::Digit);
        let more =
            if has_digit { run(&line[digit..], |c| matches!(c, Class::Letter | Class::Digit)) } else { 0 };
        let word_end = digit + more;
        let end = match line.get(word_end) {
            Some(b'.') if word_end - start <= 3 => address_end(line, start),
            Some(b'-') if word_end - start == UUID_FIRST => uuid_end(line, start),
            _ => None,
        };
        let first_digit = match (has_digit, end) {
            (true, _) => Some(digit),
            (false, extended) => extended.and(Some(start)),
        };
        let end = end.unwrap_or(word_end);
        Token { start, end, first_digit }
    }

    /// Where its value begins, if it has one: behind a word that only digits follow, and behind `0x`.
    fn value_start(&self, line: &[u8]) -> Option<usize> {
        let digit = self.first_digit?;
        let (word, tail) = (&line[self.start..digit], &line[digit..self.end]);
        let is_name = word.iter().any(|byte| !byte.is_ascii_hexdigit());
        Some(match tail {
            [b'0', b'x', _, ..] if word.is_empty() => self.start + 2,
            _ if is_name && tail.iter().all(u8::is_ascii_digit) => digit,
            _ => self.start,
        })
    }
}

/// How many bytes are of a class.
fn run(text: &[u8], is_in: impl Fn(Class) -> bool) -> usize {
    text.iter().position(|byte| !is_in(class(*byte))).unwrap_or(text.len())
}

/// The end of an IPv4 address that begins at `start`.
fn address_end(line: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    for part in 0..4 {
        if part > 0 {
            at += (line.get(at) == Some(&b'.')).then_some(1)?;
        }
        let digits = line[at..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        at += (1..=3).contains(&digits).then_some(digits)?;
    }
    line.get(at).is_none_or(|byte| class(*byte) != Class::Letter).then_some(at)
}

/// The end of a UUID that begins at `start`.
fn uuid_end(line: &[u8], start: usize) -> Option<usize> {
    let end = start + UUID_LENGTH;
    let ends = line.get(end).is_none_or(|byte| !matches!(class(*byte), Class::Letter | Class::Digit));
    (is_uuid(&line[start..]) && ends).then_some(end)
}

pub const UUID_LENGTH: usize = 36;

/// Its digits before the first hyphen.
const UUID_FIRST: usize = 8;

/// Whether `text` begins with a UUID in lower case.
pub fn is_uuid(text: &[u8]) -> bool {
    let fits = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() >= UUID_LENGTH && text[..UUID_LENGTH].iter().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Shown(String);

    impl Pieces for Shown {
        fn text(&mut self, text: &[u8]) {
            self.0 += std::str::from_utf8(text).unwrap();
        }

        fn special(&mut self, byte: u8) {
            self.0 += &format!("<special {byte}>");
        }

        fn value(&mut self, value: &[u8]) {
            self.0 += &format!("<{}>", std::str::from_utf8(value).unwrap());
        }

        fn time(&mut self, _: Format, value: i64) {
            self.0 += &format!("<time {value}>");
        }
    }

    fn shown(line: &str) -> String {
        let mut shown = Shown::default();
        cut(line.as_bytes(), &mut shown);
        shown.0
    }

    #[test]
    fn tokens_with_digits_are_values() {
        assert_eq!(shown("job a7b done in 12ms, id=x"), "job <a7b> done in <12ms>, id=x");
        assert_eq!(
            shown("blk_-17 R02-M1 eth0 0x7f3a fade01"),
            "blk_-<17> R<02>-M<1> eth<0> 0x<7f3a> <fade01>"
        );
        assert_eq!(shown("10.0.0.1:80 1.2.3 1.2.3.4x"), "<10.0.0.1>:<80> <1>.<2>.<3> <1>.<2>.<3>.<4x>");
        let uuid = "ab34cd78-1234-1234-1234-123456789abc";
        assert_eq!(shown(&format!("[{uuid}]-1")), format!("[<{uuid}>]-<1>"));
    }

    #[test]
    fn times_and_special_bytes_have_their_own_pieces() {
        assert_eq!(shown("at 00:01:00.5 \u{1}"), "at <time 605> <special 1>");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn values_that_begin_with_letters_are_found_at_the_beginning_of_their_tokens_only() {
        let uuid = "abcdefab-cdef-abcd-efab-abcdefabcdef";
        assert_eq!(shown(&format!("of {uuid} x{uuid}")), format!("of <{uuid}> x{uuid}"));
        let (format, value, _) = Format::parse(b"Nov 18 11:06:40").unwrap();
        assert!(format.has_blanks());
        let time = format!("<time {value}>");
        assert_eq!(shown("on Nov 18 11:06:40Nov 18 11:06:40"), format!("on {time}{time}"));
        assert_eq!(shown("\u{1}Nov 18 11:06:40"), format!("<special 1>{time}"));
        assert_eq!(shown("aNov 18 11:06:40"), "aNov <18> <time 40000>");
        assert_eq!(shown("May b e JSON Old 5"), "May b e JSON Old <5>");
    }
}
