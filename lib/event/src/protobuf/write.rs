//! Writes fields. What is empty is left out, as the format has it.

/// Writes a field that is a message, which `write` writes.
pub fn put_message(out: &mut Vec<u8>, number: u64, write: impl FnOnce(&mut Vec<u8>)) {
    put_varint(out, number << 3 | 2);
    let start = out.len();
    write(out);
    let end = out.len();
    put_varint(out, (end - start) as u64);
    let digits = out.len() - end;
    out[start..].rotate_right(digits);
}

/// Writes a field that is a message of two texts.
pub fn put_pair(out: &mut Vec<u8>, number: u64, (name, value): (&str, &str)) {
    put_message(out, number, |out| {
        put_bytes(out, 1, name.as_bytes());
        put_bytes(out, 2, value.as_bytes());
    });
}

/// Writes a field that is bytes or a text; nothing if there are none.
pub fn put_bytes(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    if !bytes.is_empty() {
        put_varint(out, number << 3 | 2);
        put_varint(out, bytes.len() as u64);
        out.extend_from_slice(bytes);
    }
}

/// Writes a field of the type `uint64`; nothing if it is zero.
pub fn put_integer(out: &mut Vec<u8>, number: u64, value: u64) {
    if value != 0 {
        put_varint(out, number << 3);
        put_varint(out, value);
    }
}

/// Writes a number of the type `sint64` among others of a field.
pub fn put_zigzag(out: &mut Vec<u8>, value: i64) {
    put_varint(out, (value << 1 ^ value >> 63) as u64);
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::{super::Fields, *};

    #[test]
    fn messages_of_any_length_have_their_length_before_them() {
        for length in [0, 1, 127, 128, 20_000] {
            let mut out = Vec::new();
            put_message(&mut out, 5, |out| out.extend(vec![b'x'; length]));
            put_integer(&mut out, 6, 7);
            let fields: Vec<_> = Fields::new(&out).map(Result::unwrap).collect();
            assert_eq!((fields[0].bytes().unwrap().len(), fields[1].integer()), (length, Ok(7)));
        }
    }

    #[test]
    fn numbers_come_back() {
        let numbers = [i64::MIN, -1, 0, 1, i64::MAX];
        let (mut message, mut read) = (Vec::new(), Vec::new());
        put_message(&mut message, 1, |out| numbers.iter().for_each(|number| put_zigzag(out, *number)));
        Fields::new(&message).for_each(|field| field.unwrap().zigzags(|number| read.push(number)).unwrap());
        assert_eq!(read, numbers);
    }
}
