//! A look over a request before it is decoded. The decoder makes room for as many elements as an array says it has,
//! so a few bytes could ask for more memory than the machine has; here every element has to be there first.
//!
//! The shape of a request is written in words: `1 2 4 8` are bytes of fixed number, `s` text, `b` bytes, `[ ]` an
//! array of what is between, `{ }` an array of structures. `@3+`, `@0-2` are the versions that have the word.

/// Elements and tags that one request may have in all.
const MAX_ELEMENTS: usize = 20_000;
/// Longest text, as in Kafka.
const MAX_TEXT: usize = i16::MAX as usize;

/// The parsed shape of a request.
#[derive(Debug)]
pub struct Shape(Vec<Field>);

#[derive(Debug)]
struct Field {
    kind: Kind,
    from: i16,
    to: i16,
}

#[derive(Debug)]
enum Kind {
    Fixed(usize),
    Text,
    Bytes,
    Array(Vec<Field>),
    Structures(Vec<Field>),
}

impl Shape {
    /// Parses a shape. `None` when it is not written right.
    pub fn parse(text: &str) -> Option<Shape> {
        let mut words = text.split_whitespace();
        let (fields, end) = fields(&mut words)?;
        end.is_none().then_some(Shape(fields))
    }

    /// The number of elements in a request (what follows its header's client id); `None` when it does not have this
    /// shape. Bytes behind it are passed over, as Kafka does: librdkafka sends three too many when it asks for all topics.
    pub fn elements(&self, bytes: &[u8], version: i16, flexible: bool) -> Option<usize> {
        let mut walk = Walk { rest: bytes, version, flexible, elements: 0 };
        walk.structure(&self.0).map(|()| walk.elements)
    }
}

/// The fields up to the closing bracket, and that.
fn fields<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<(Vec<Field>, Option<&'a str>)> {
    let mut fields = Vec::new();
    while let Some(word) = words.next() {
        if word.starts_with([']', '}']) {
            return Some((fields, Some(word)));
        }
        fields.push(field(word, words)?);
    }
    Some((fields, None))
}

fn field<'a>(word: &'a str, words: &mut impl Iterator<Item = &'a str>) -> Option<Field> {
    let mut last = word;
    let mut inner = || {
        let (fields, end) = fields(&mut *words)?;
        last = end?;
        Some(fields)
    };
    let kind = match word.split('@').next()? {
        "[" => Kind::Array(inner()?),
        "{" => Kind::Structures(inner()?),
        "s" => Kind::Text,
        "b" => Kind::Bytes,
        size => Kind::Fixed(size.parse().ok()?),
    };
    let (from, to) = versions(last)?;
    Some(Field { kind, from, to })
}

fn versions(word: &str) -> Option<(i16, i16)> {
    let Some((_, range)) = word.split_once('@') else { return Some((0, i16::MAX)) };
    match range.strip_suffix('+') {
        Some(from) => Some((from.parse().ok()?, i16::MAX)),
        None => range.split_once('-').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?))),
    }
}

/// A walk along the bytes of a request. `None` from any step: the bytes end too early, or there is too much.
struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
    elements: usize,
}

impl Walk<'_> {
    fn structure(&mut self, fields: &[Field]) -> Option<()> {
        self.fields(fields)?;
        if self.flexible { self.tags() } else { Some(()) }
    }

    fn fields(&mut self, fields: &[Field]) -> Option<()> {
        let version = self.version;
        fields.iter().filter(|field| (field.from..=field.to).contains(&version)).try_for_each(|field| {
            match &field.kind {
                Kind::Fixed(size) => self.skip(*size),
                Kind::Text => self.text(),
                Kind::Bytes => self.length().and_then(|length| self.skip(length)),
                Kind::Array(inner) => self.array(|walk| walk.fields(inner)),
                Kind::Structures(inner) => self.array(|walk| walk.structure(inner)),
            }
        })
    }

    fn array(&mut self, element: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        let count = self.length()?;
        for _ in 0..count {
            self.count()?;
            element(self)?;
        }
        Some(())
    }

    fn text(&mut self) -> Option<()> {
        if self.flexible {
            let length = self.length().filter(|length| *length <= MAX_TEXT)?;
            return self.skip(length);
        }
        let length = i16::from_be_bytes(self.take()?);
        self.skip(usize::try_from(length.max(0)).ok()?)
    }

    /// Length of an array or of bytes; what is absent has none.
    fn length(&mut self) -> Option<usize> {
        if self.flexible {
            return Some((self.varint()? as usize).saturating_sub(1));
        }
        usize::try_from(i32::from_be_bytes(self.take()?).max(0)).ok()
    }

    fn tags(&mut self) -> Option<()> {
        for _ in 0..self.varint()? {
            self.count()?;
            self.varint()?;
            let size = self.varint()?;
            self.skip(size as usize)?;
        }
        Some(())
    }

    fn count(&mut self) -> Option<()> {
        self.elements += 1;
        (self.elements <= MAX_ELEMENTS).then_some(())
    }

    fn varint(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let [byte] = self.take()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    fn skip(&mut self, size: usize) -> Option<()> {
        self.rest = self.rest.get(size..)?;
        Some(())
    }
}

/// Splits a frame behind the client id of its header (and the header's tags, where it has some).
pub fn behind_header(frame: &[u8], flexible: bool) -> Option<&[u8]> {
    let mut walk = Walk { rest: frame.get(8..)?, version: 0, flexible: false, elements: 0 };
    walk.text()?;
    if flexible {
        walk.tags()?;
    }
    Some(walk.rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_have_to_be_there() {
        let shape = Shape::parse("{ s [ 4 ]@1+ } 1").expect("shape");
        let one = [&[0, 0, 0, 1, 0, 1, b'x'][..], &[0, 0, 0, 1, 0, 0, 0, 9], &[7]].concat();
        assert_eq!(shape.elements(&one, 1, false), Some(2));
        assert_eq!(shape.elements(&one, 0, false), Some(1), "bytes are left over");
        assert_eq!(shape.elements(&one[..one.len() - 1], 1, false), None, "a byte is missing");
        assert_eq!(shape.elements(&[0x7f, 0xff, 0xff, 0xff, 0], 1, false), None);
    }

    #[test]
    fn flexible_versions_have_short_lengths_and_tags() {
        let shape = Shape::parse("s { 4 }").expect("shape");
        assert_eq!(shape.elements(&[2, b'x', 2, 0, 0, 0, 1, 0, 1, 5, 1, 9], 0, true), Some(2));
        assert_eq!(shape.elements(&[2, b'x', 0xff, 0xff, 0xff, 0xff, 0x0f, 0], 0, true), None);
    }

    #[test]
    fn texts_are_no_longer_than_in_kafka() {
        let shape = Shape::parse("s").expect("shape");
        let text = |length: usize| {
            [
                &[length as u8 | 0x80, (length >> 7) as u8 | 0x80, (length >> 14) as u8][..],
                &vec![b'x'; length - 1],
                &[0],
            ]
            .concat()
        };
        assert_eq!(shape.elements(&text(MAX_TEXT + 1), 0, true), Some(0));
        assert_eq!(shape.elements(&text(MAX_TEXT + 2), 0, true), None);
    }

    #[test]
    fn what_takes_no_bytes_is_bounded_too() {
        let shape = Shape::parse("[ ]").expect("shape");
        assert_eq!(shape.elements(&[0x7f, 0xff, 0xff, 0xff], 0, false), None);
    }
}
