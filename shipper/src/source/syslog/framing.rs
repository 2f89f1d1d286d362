//! Messages in a TCP stream: octet counting (`34 <13>…`) or a newline behind each (RFC 6587). Which of the two
//! shows at the beginning of each message.

use bytes::{Buf, Bytes, BytesMut};

/// Longest count: nothing of ours is larger.
const COUNT_DIGITS: usize = 9;

/// A message, or a piece of one that is longer than the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Without its frame.
    pub bytes: Bytes,
    /// It goes on where the frame before it was cut: no header is in it.
    pub is_rest: bool,
}

/// Takes the stream apart.
#[derive(Debug)]
pub struct Framing {
    buffer: BytesMut,
    limit: usize,
    /// Bytes of an octet-counted message that are still to come.
    counted: Option<usize>,
    is_rest: bool,
}

impl Framing {
    /// Messages longer than `limit` come in pieces.
    pub fn new(limit: usize) -> Self {
        Framing { buffer: BytesMut::new(), limit: limit.max(COUNT_DIGITS + 2), counted: None, is_rest: false }
    }

    /// Where what is read goes.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next message. `is_end`: nothing will follow.
    pub fn next(&mut self, is_end: bool) -> Option<Frame> {
        loop {
            if self.counted.is_none() && !self.is_rest {
                self.take_count(is_end)?;
            }
            let frame = match self.counted {
                Some(length) => self.next_counted(length, is_end)?,
                None => self.next_line(is_end)?,
            };
            if !frame.bytes.is_empty() {
                return Some(frame);
            }
        }
    }

    /// Takes the count that begins here, if one does; `None`: too early to tell.
    fn take_count(&mut self, is_end: bool) -> Option<()> {
        let digits = self.buffer.iter().take(COUNT_DIGITS + 1).take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || digits > COUNT_DIGITS {
            return (!self.buffer.is_empty()).then_some(());
        }
        if self.buffer.len() < digits + 2 {
            return is_end.then_some(());
        }
        if self.buffer[0] == b'0' || &self.buffer[digits..digits + 2] != b" <" {
            return Some(());
        }
        let length = self.buffer[..digits].iter().fold(0, |n, b| n * 10 + usize::from(b - b'0'));
        self.buffer.advance(digits + 1);
        self.counted = Some(length);
        Some(())
    }

    fn next_counted(&mut self, length: usize, is_end: bool) -> Option<Frame> {
        let wanted = length.min(self.limit);
        let there = wanted.min(self.buffer.len());
        if there < wanted && !is_end {
            return None;
        }
        let is_rest = self.is_rest;
        let is_cut = there == wanted && wanted < length;
        self.counted = is_cut.then_some(length - wanted);
        self.is_rest = is_cut;
        Some(Frame { bytes: trimmed(self.buffer.split_to(there).freeze()), is_rest })
    }

    fn next_line(&mut self, is_end: bool) -> Option<Frame> {
        let is_rest = self.is_rest;
        let newline = memchr::memchr(b'\n', &self.buffer[..self.buffer.len().min(self.limit + 1)]);
        let bytes = match newline {
            Some(at) => {
                let line = self.buffer.split_to(at);
                self.buffer.advance(1);
                self.is_rest = false;
                line
            }
            None if self.buffer.len() > self.limit => {
                self.is_rest = true;
                self.buffer.split_to(self.limit)
            }
            None if is_end && !self.buffer.is_empty() => self.buffer.split(),
            None => return None,
        };
        Some(Frame { bytes: trimmed(bytes.freeze()), is_rest })
    }
}

/// Without the line ends and NULs that some senders put behind a message.
pub fn trimmed(mut bytes: Bytes) -> Bytes {
    while let Some(b'\n' | b'\r' | 0) = bytes.last() {
        bytes.truncate(bytes.len() - 1);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the stream in pieces of `step` bytes.
    fn frames(stream: &[u8], limit: usize, step: usize) -> Vec<String> {
        let mut framing = Framing::new(limit);
        let mut found = Vec::new();
        let mut take = |framing: &mut Framing, is_end| {
            while let Some(frame) = framing.next(is_end) {
                let mark = if frame.is_rest { "+" } else { "" };
                found.push(format!("{mark}{}", String::from_utf8_lossy(&frame.bytes)));
            }
        };
        for piece in stream.chunks(step) {
            framing.buffer().extend_from_slice(piece);
            take(&mut framing, false);
        }
        take(&mut framing, true);
        found
    }

    #[test]
    fn takes_counted_and_newline_framing_even_in_one_stream() {
        let stream = b"5 <1>a\n<2>b\n4 <3>c\n\n<4>d\r\n1 2020-05-22 e\n7 <5>x\ny\n<6>f";
        for step in [1, 3, 100] {
            assert_eq!(
                frames(stream, 100, step),
                ["<1>a", "<2>b", "<3>c", "<4>d", "1 2020-05-22 e", "<5>x\ny", "<6>f"],
                "{step}"
            );
        }
    }

    #[test]
    fn long_messages_come_in_pieces_that_hold_every_byte() {
        for step in [1, 7, 100] {
            assert_eq!(frames(b"<1>4567890123456\n<2>b\n", 11, step), ["<1>45678901", "+23456", "<2>b"]);
            assert_eq!(frames(b"16 <1>4567890123456<2>b\n", 11, step), ["<1>45678901", "+23456", "<2>b"]);
        }
    }

    #[test]
    fn a_stream_that_ends_within_a_message_still_gives_what_came() {
        assert_eq!(frames(b"50 <1>abc", 100, 4), ["<1>abc"]);
        assert_eq!(frames(b"12", 100, 4), ["12"]);
        assert_eq!(frames(b"999999999999999 <1>a\n", 100, 4), ["999999999999999 <1>a"]);
        assert_eq!(frames(b"", 100, 4), [""; 0]);
    }
}
