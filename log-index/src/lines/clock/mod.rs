//! Times as they are written in lines. A time becomes a number only if it is written back byte for byte.

mod calendar;
mod fields;

use calendar::{civil, days};
use fields::{Fields, NO_YEAR};

/// `Y` year, `y` year of this century, `m` month, `b` its name, `d` day, `e` day behind a space, `H:M:S`.
const LAYOUTS: [&[u8]; 12] = [
    b"H:M:S",
    b"Y-m-dTH:M:S",
    b"Y-m-d H:M:S",
    b"Y-m-d_H:M:S",
    b"Y-m-d-H.M.S",
    b"Y/m/d H:M:S",
    b"Y.m.d",
    b"y/m/d H:M:S",
    b"d/b/Y:H:M:S",
    b"m-d H:M:S",
    b"d b Y H:M:S",
    b"b e H:M:S",
];

/// How a time is written: a layout, and how many digits of a second come behind it, behind `.` or `,`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    layout: u8,
    /// From 10 on the digits come behind a comma.
    fraction: u8,
}

impl Format {
    pub fn from_bytes(bytes: [u8; 2]) -> Option<Self> {
        let [layout, fraction] = bytes;
        let known = usize::from(layout) < LAYOUTS.len() && fraction < 20 && fraction != 10;
        known.then_some(Format { layout, fraction })
    }

    pub fn to_bytes(self) -> [u8; 2] {
        [self.layout, self.fraction]
    }

    /// Whether it is worth to look for a time at the beginning of `text`: of most words and numbers this is known at
    /// once.
    pub fn may_begin(text: &[u8]) -> bool {
        let Some([first, .., third, fourth, fifth]) = text.first_chunk::<5>() else { return false };
        match third {
            _ if !first.is_ascii_digit() => *fourth == b' ' && Self::has_initial(*first),
            b':' | b'/' | b'-' | b' ' => true,
            _ => matches!(fifth, b'-' | b'/' | b'.'),
        }
    }

    /// Whether this is the first letter of a month.
    pub const fn has_initial(byte: u8) -> bool {
        matches!(byte, b'A' | b'D' | b'F' | b'J' | b'M' | b'N' | b'O' | b'S')
    }

    /// The time at the beginning of `text`: its format, its value in the format's unit, its length.
    pub fn parse(text: &[u8]) -> Option<(Self, i64, usize)> {
        let layout = layout(text)?;
        let (fields, length) = Fields::parse(text, LAYOUTS[layout])?;
        let (fraction, digits, fraction_length) =
            if has_seconds(layout) { fields::fraction(&text[length..])? } else { (0, 0, 0) };
        let format = Format { layout: layout as u8, fraction };
        let whole = if has_seconds(layout) {
            format.days(&fields) * 86_400 + fields.second
        } else {
            format.days(&fields)
        };
        let value = whole.checked_mul(10_i64.pow(u32::from(fraction % 10)))?.checked_add(digits)?;
        Some((format, value, length + fraction_length))
    }

    /// The moment `timestamp_ns` in this format's unit: what times of entries are compared with.
    pub fn of(self, timestamp_ns: i64) -> i64 {
        const DAY: i64 = 86_400_000_000_000;
        let ns = match LAYOUTS[usize::from(self.layout)] {
            layout if !has(layout, b'd') && !has(layout, b'e') => timestamp_ns.rem_euclid(DAY),
            layout if !has(layout, b'Y') && !has(layout, b'y') => {
                let (_, month, day) = civil(timestamp_ns.div_euclid(DAY));
                days(NO_YEAR, month, day) * DAY + timestamp_ns.rem_euclid(DAY)
            }
            _ => timestamp_ns,
        };
        if has_seconds(self.layout.into()) {
            ns.div_euclid(10_i64.pow(9 - u32::from(self.fraction % 10)))
        } else {
            ns.div_euclid(DAY)
        }
    }

    /// Writes a value that [`Format::parse`] gave; others give some text.
    pub fn write(self, value: i64, out: &mut Vec<u8>) {
        let unit = 10_i64.pow(u32::from(self.fraction % 10));
        let whole = value.div_euclid(unit);
        let (day, second) = match has_seconds(self.layout.into()) {
            true => (whole.div_euclid(86_400), whole.rem_euclid(86_400)),
            false => (whole, 0),
        };
        let (year, month, day) = civil(day);
        Fields { year, month, day, second }.write(LAYOUTS[usize::from(self.layout)], out);
        if self.fraction > 0 {
            out.push(if self.fraction < 10 { b'.' } else { b',' });
            fields::write_digits(value.rem_euclid(unit), usize::from(self.fraction % 10), out);
        }
    }

    /// Whether there are blanks in a written time.
    pub fn has_blanks(self) -> bool {
        has(LAYOUTS[usize::from(self.layout)], b' ')
    }

    /// Whether a written time can have this byte.
    pub fn allows(byte: u8) -> bool {
        byte.is_ascii_digit() || b" -.,:/_T".contains(&byte) || fields::MONTHS.contains(&byte)
    }

    /// Whether a written time can have this name of a month.
    pub fn has_name(name: [u8; 3]) -> bool {
        fields::month(&name).is_some()
    }

    fn days(self, fields: &Fields) -> i64 {
        if self.layout == 0 { 0 } else { days(fields.year, fields.month, fields.day) }
    }
}

fn has(layout: &[u8], field: u8) -> bool {
    layout.contains(&field)
}

fn has_seconds(layout: usize) -> bool {
    LAYOUTS[layout].ends_with(b"S")
}

/// Which layout it must be, if it is one.
fn layout(text: &[u8]) -> Option<usize> {
    let at = |index: usize| text.get(index).copied().unwrap_or_default();
    let dated = |separator: u8| match separator {
        b'T' => Some(1),
        b' ' => Some(2),
        b'_' => Some(3),
        b'-' => Some(4),
        _ => None,
    };
    match (at(2), at(4)) {
        (b':', _) => Some(0),
        (_, b'-') => dated(at(10)),
        (_, b'/') => Some(5),
        (_, b'.') => Some(6),
        (b'/', _) if at(3).is_ascii_digit() => Some(7),
        (b'/', _) => Some(8),
        (b'-', _) => Some(9),
        (b' ', _) => Some(10),
        _ if at(0).is_ascii_uppercase() && at(3) == b' ' => Some(11),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOMENT_NS: i64 = 1_795_000_000_123_456_789;

    #[test]
    fn times_of_all_layouts_are_the_moment_that_they_mean() {
        let texts = [
            "11:06:40",
            "2026-11-18T11:06:40.123",
            "2026-11-18 11:06:40,123",
            "2026-11-18_11:06:40",
            "2026-11-18-11.06.40.123456",
            "2026/11/18 11:06:40",
            "2026.11.18",
            "26/11/18 11:06:40",
            "18/Nov/2026:11:06:40",
            "11-18 11:06:40.123",
            "18 Nov 2026 11:06:40.123456789",
            "Nov 18 11:06:40",
        ];
        for (layout, text) in texts.into_iter().enumerate() {
            let (format, value, length) = Format::parse(format!("{text} tail").as_bytes()).unwrap();
            assert_eq!(
                (usize::from(format.layout), length, value),
                (layout, text.len(), format.of(MOMENT_NS)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_would_be_written_otherwise_is_no_time() {
        for text in
            ["24:00:00", "2026-02-30 11:06:40", "Nov 05 11:06:40", "0000-01-01 00:00:00", "1:02:03", "12:34"]
        {
            assert_eq!(Format::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Format::parse(b"12:34:56.1234567890"), None);
    }

    proptest! {
        #[test]
        fn times_are_written_back_byte_for_byte(text in "([A-Z][a-z]{2}|[0-9 ]{2,4})[-/.: ][0-9A-Za-z ]{2,3}[-/.: T]{1,2}[0-9:.]{6,16}") {
            if let Some((format, value, length)) = Format::parse(text.as_bytes()) {
                let mut out = Vec::new();
                format.write(value, &mut out);
                prop_assert_eq!(&text.as_bytes()[..length], &out[..]);
                prop_assert_eq!(Format::from_bytes(format.to_bytes()), Some(format));
            }
        }

        #[test]
        fn any_moment_comes_back(ns in any::<i64>(), layout in 0..LAYOUTS.len() as u8, fraction in 0..20_u8) {
            if let Some(format) = Format::from_bytes([layout, fraction]) {
                let mut out = Vec::new();
                format.write(format.of(ns), &mut out);
                let fits = fraction == 0 || has_seconds(layout.into());
                let years = ns.div_euclid(31_556_952_000_000_000) + 1970;
                if fits && (layout != 7 || (2001..2099).contains(&years)) {
                    prop_assert_eq!(Format::parse(&out).map(|p| p.1), Some(format.of(ns)));
                }
            }
        }
    }
}
