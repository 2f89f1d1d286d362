//! Templates as bytes: text as it is, and a mark for each place at which something varies.

use super::clock::Format;

/// The next byte is text, whatever it is.
pub const LITERAL: u8 = 0;
pub const VALUE: u8 = 1;
/// Two bytes follow: the [`Format`].
pub const TIME: u8 = 2;
/// A word, where templates are compared without their words.
pub const WORD: u8 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a [u8]),
    Value,
    Time(Format),
    Word,
}

/// The pieces of a template, in order. What is no template ends early.
pub fn pieces(mut template: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        let (piece, rest) = match template {
            [LITERAL, _, rest @ ..] => (Piece::Text(&template[1..2]), rest),
            [VALUE, rest @ ..] => (Piece::Value, rest),
            [TIME, layout, fraction, rest @ ..] => {
                (Piece::Time(Format::from_bytes([*layout, *fraction])?), rest)
            }
            [WORD, rest @ ..] => (Piece::Word, rest),
            [] | [LITERAL | TIME, ..] => return None,
            text => {
                let end = text.iter().position(|byte| *byte <= WORD).unwrap_or(text.len());
                (Piece::Text(&text[..end]), &text[end..])
            }
        };
        template = rest;
        Some(piece)
    })
}

pub fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    if text.iter().all(|byte| *byte > WORD) {
        return out.extend_from_slice(text);
    }
    for byte in text {
        if *byte <= WORD {
            out.push(LITERAL);
        }
        out.push(*byte);
    }
}

pub fn put_time(out: &mut Vec<u8>, format: Format) {
    out.push(TIME);
    out.extend(format.to_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_whatever_bytes_the_text_has() {
        let (format, ..) = Format::parse(b"00:00:00.5").unwrap();
        let mut template = Vec::new();
        put_text(&mut template, b"a\x00b\x03");
        template.push(VALUE);
        put_time(&mut template, format);
        put_text(&mut template, b"\xff");
        let text = |piece: Piece<'_>| match piece {
            Piece::Text(text) => text.to_vec(),
            other => format!("{other:?}").into_bytes(),
        };
        let all: Vec<Vec<u8>> = pieces(&template).map(text).collect();
        assert_eq!(all[..4].concat(), b"a\x00b\x03");
        assert_eq!((&all[4][..], &all[6][..]), (&b"Value"[..], &b"\xff"[..]));
        assert_eq!(pieces(&template).nth(5), Some(Piece::Time(format)));
    }
}
