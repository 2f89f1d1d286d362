//! Protobuf field by field, for messages that come in great numbers: nothing is made that nobody asks for.

mod write;

use prost::Message;
use thiserror::Error;

pub(crate) use write::{put_bytes, put_integer, put_message, put_pair, put_zigzag};

/// Not protobuf, or of another shape.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Malformed {
    /// It is cut off, or a length is wrong.
    #[error("a field of the message ends behind the message")]
    CutOff,
    /// A field's key or content.
    #[error("field {0} of the message has another type than it should have")]
    WrongType(u64),
    /// Text that is none.
    #[error("a text of the message is not UTF-8")]
    NotUtf8,
    /// A message within it.
    #[error(transparent)]
    Message(#[from] prost::DecodeError),
}

/// The fields of a message in their order, each with its number. Ends with the first error.
#[derive(Clone, Debug)]
pub struct Fields<'a>(&'a [u8]);

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field<'a> {
    /// By which the message's definition knows it.
    pub number: u64,
    content: Content<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Content<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32,
    Bytes(&'a [u8]),
}

impl<'a> Fields<'a> {
    /// Of an encoded message.
    pub fn new(message: &'a [u8]) -> Self {
        Fields(message)
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    #[inline]
    fn read(&mut self) -> Result<Field<'a>, Malformed> {
        let key = varint(&mut self.0)?;
        let number = key >> 3;
        let content = match key & 7 {
            0 => Content::Varint(varint(&mut self.0)?),
            1 => Content::Fixed64(array(&mut self.0)?),
            2 => {
                let length = usize::try_from(varint(&mut self.0)?).map_err(|_| Malformed::CutOff)?;
                let (bytes, rest) = self.0.split_at_checked(length).ok_or(Malformed::CutOff)?;
                self.0 = rest;
                Content::Bytes(bytes)
            }
            5 => array::<4>(&mut self.0).map(|_| Content::Fixed32)?,
            _ => return Err(Malformed::WrongType(number)),
        };
        Ok(Field { number, content })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let field = (!self.0.is_empty()).then(|| self.read())?;
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Field<'a> {
    /// The content of a message, or bytes.
    ///
    /// # Errors
    /// When the field is of another type.
    pub fn bytes(&self) -> Result<&'a [u8], Malformed> {
        match self.content {
            Content::Bytes(bytes) => Ok(bytes),
            _ => Err(self.wrong_type()),
        }
    }

    /// A message, by the type that was generated for it.
    ///
    /// # Errors
    /// When the field is of another type.
    pub fn message<M: Message + Default>(&self) -> Result<M, Malformed> {
        Ok(M::decode(self.bytes()?)?)
    }

    /// A text.
    ///
    /// # Errors
    /// When the field is of another type.
    pub fn text(&self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed::NotUtf8)
    }

    /// A message of two texts, as a label is.
    ///
    /// # Errors
    /// When the field is of another type.
    pub fn pair(&self) -> Result<(&'a str, &'a str), Malformed> {
        let mut pair = ("", "");
        for field in Fields(self.bytes()?) {
            match field? {
                name @ Field { number: 1, .. } => pair.0 = name.text()?,
                value @ Field { number: 2, .. } => pair.1 = value.text()?,
                _ => {}
            }
        }
        Ok(pair)
    }

    /// A number of the types `int64` or `uint64`.
    ///
    /// # Errors
    /// When the field is of another type.
    pub fn integer(&self) -> Result<u64, Malformed> {
        match self.content {
            Content::Varint(number) => Ok(number),
            _ => Err(self.wrong_type()),
        }
    }

    /// A number of the type `double`.
    ///
    /// # Errors
    /// When the field is of another type.
    pub fn double(&self) -> Result<f64, Malformed> {
        match self.content {
            Content::Fixed64(bytes) => Ok(f64::from_le_bytes(bytes)),
            _ => Err(self.wrong_type()),
        }
    }

    /// Repeated numbers of the type `sint64`: all of them, or the next one.
    ///
    /// # Errors
    /// When the field is of another type.
    pub fn zigzags(&self, mut each: impl FnMut(i64)) -> Result<(), Malformed> {
        self.integers(|number| each((number >> 1) as i64 ^ -((number & 1) as i64)))
    }

    /// Repeated numbers of the types `int64` or `uint64`: all of them, or the next one.
    ///
    /// # Errors
    /// When the field is of another type.
    #[inline]
    pub fn integers(&self, mut each: impl FnMut(u64)) -> Result<(), Malformed> {
        match self.content {
            Content::Bytes(mut packed) => {
                while !packed.is_empty() {
                    each(varint(&mut packed)?);
                }
                Ok(())
            }
            _ => self.integer().map(each),
        }
    }

    /// Repeated numbers of the type `double`: all of them, or the next one.
    ///
    /// # Errors
    /// When the field is of another type.
    pub fn doubles(&self, mut each: impl FnMut(f64)) -> Result<(), Malformed> {
        match self.content {
            Content::Bytes(mut packed) => {
                while !packed.is_empty() {
                    each(f64::from_le_bytes(array(&mut packed)?));
                }
                Ok(())
            }
            _ => self.double().map(each),
        }
    }

    fn wrong_type(&self) -> Malformed {
        Malformed::WrongType(self.number)
    }
}

/// Most have one byte.
#[inline]
fn varint(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    match **bytes {
        [byte @ 0..0x80, ref rest @ ..] => {
            *bytes = rest;
            Ok(byte.into())
        }
        _ => long_varint(bytes),
    }
}

fn long_varint(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    let mut number = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            *bytes = &bytes[at + 1..];
            return Ok(number);
        }
    }
    Err(Malformed::CutOff)
}

#[inline]
fn array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (array, rest) = bytes.split_first_chunk().ok_or(Malformed::CutOff)?;
    *bytes = rest;
    Ok(*array)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(message: &[u8]) -> Result<Vec<u64>, Malformed> {
        Fields::new(message).map(|field| field.map(|field| field.number)).collect()
    }

    #[test]
    fn fields_end_with_the_first_that_is_wrong() {
        assert_eq!(numbers(b"\x08\x96\x01\x12\x01a\x1d1234\x2112345678"), Ok(vec![1, 2, 3, 4]));
        for cut in [&b"\x08"[..], b"\x08\x96", b"\x12\x02a", b"\x1d123", b"\x211234567", &[0xff; 20]] {
            assert_eq!(numbers(cut), Err(Malformed::CutOff), "{cut:?}");
        }
        assert_eq!(numbers(b"\x0b\x0c"), Err(Malformed::WrongType(1)));
        let mut fields = Fields::new(b"\x0b\x08\x01");
        assert!(fields.next().is_some_and(|field| field.is_err()) && fields.next().is_none());
    }

    #[test]
    fn repeated_numbers_come_together_or_one_by_one() {
        let zigzags = |message| {
            let mut all = Vec::new();
            Fields::new(message).try_for_each(|field| field?.zigzags(|number| all.push(number))).map(|()| all)
        };
        assert_eq!(zigzags(b"\x0a\x03\x01\x02\x03"), Ok(vec![-1, 1, -2]));
        assert_eq!(zigzags(b"\x08\x01\x08\x02\x08\x03"), Ok(vec![-1, 1, -2]));
        assert_eq!(zigzags(b"\x0d1234"), Err(Malformed::WrongType(1)));
    }
}
