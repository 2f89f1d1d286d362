//! From bytes to lines. Nothing is copied: a line is a slice of the chunk that was read.

use bytes::Bytes;

/// A line or a piece of one, without its line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Byte for byte.
    pub bytes: Bytes,
    /// Offset in the chunk behind the line and its end.
    pub end: usize,
}

/// The lines of a chunk that is at the front of what is still unread.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// In order.
    pub lines: Vec<Line>,
    /// Bytes of the chunk that they cover.
    pub used: usize,
    /// Pieces that were cut off at the limit.
    pub cut: usize,
}

/// Splits `chunk` at its line ends. What follows the last one stays unused unless it has reached `limit`, or
/// `is_last` says that nothing will follow.
pub fn split(chunk: &Bytes, limit: usize, is_last: bool) -> Split {
    let mut split = Split::default();
    for newline in memchr::memchr_iter(b'\n', chunk) {
        cut_long(chunk, newline, limit, &mut split);
        push(chunk, newline, newline + 1, &mut split);
    }
    cut_long(chunk, chunk.len(), limit, &mut split);
    if is_last && split.used < chunk.len() {
        push(chunk, chunk.len(), chunk.len(), &mut split);
    }
    split
}

fn push(chunk: &Bytes, text_end: usize, end: usize, split: &mut Split) {
    let start = split.used;
    let text_end = if chunk[start..text_end].ends_with(b"\r") { text_end - 1 } else { text_end };
    split.lines.push(Line { bytes: chunk.slice(start..text_end), end });
    split.used = end;
}

/// Cuts pieces of `limit` bytes off a line that goes up to `end`.
fn cut_long(chunk: &Bytes, end: usize, limit: usize, split: &mut Split) {
    while end - split.used > limit {
        let at = boundary(chunk, split.used, split.used + limit);
        split.lines.push(Line { bytes: chunk.slice(split.used..at), end: at });
        split.used = at;
        split.cut += 1;
    }
}

/// The last place at or before `at` that does not cut a character in two.
fn boundary(chunk: &[u8], start: usize, at: usize) -> usize {
    let is_inside = |i: usize| chunk.get(i).is_some_and(|b| b & 0xc0 == 0x80);
    (at.saturating_sub(3).max(start + 1)..=at).rev().find(|i| !is_inside(*i)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(input: &[u8], limit: usize, is_last: bool) -> (Vec<Vec<u8>>, usize) {
        let split = split(&Bytes::copy_from_slice(input), limit, is_last);
        (split.lines.iter().map(|l| l.bytes.to_vec()).collect(), split.used)
    }

    #[test]
    fn keeps_an_unfinished_line_back_until_it_is_the_last() {
        assert_eq!(texts(b"one\ntwo", 100, false), (vec![b"one".to_vec()], 4));
        assert_eq!(texts(b"one\ntwo", 100, true), (vec![b"one".to_vec(), b"two".to_vec()], 7));
        assert_eq!(texts(b"", 100, true), (vec![], 0));
    }

    #[test]
    fn takes_off_carriage_returns_and_keeps_nul_and_invalid_bytes() {
        let (lines, used) = texts(b"a\r\n\xff\x00b\n\n\r\n", 100, false);
        assert_eq!(lines, [&b"a"[..], b"\xff\x00b", b"", b""]);
        assert_eq!(used, 10);
    }

    #[test]
    fn cuts_long_lines_into_pieces_that_hold_every_byte() {
        let long = "x".repeat(25);
        let (lines, used) = texts(format!("a\n{long}\nb\n").as_bytes(), 10, false);
        assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [1, 10, 10, 5, 1]);
        assert_eq!(used, 30);
        assert_eq!(texts(b"0123456789", 10, false), (vec![], 0));
        assert_eq!(texts(b"0123456789a", 10, false), (vec![b"0123456789".to_vec()], 10));
    }

    #[test]
    fn does_not_cut_a_character_in_two() {
        let (lines, _) = texts("ééééé".as_bytes(), 5, true);
        assert_eq!(lines, ["éé".as_bytes(), "éé".as_bytes(), "é".as_bytes()]);
        let (lines, _) = texts(&[0x80; 7], 3, true);
        assert_eq!(lines.concat(), [0x80; 7]);
    }
}
