//! Numbers and durations: how far they go, what they say, and how they are written.

use super::text::quote;

/// Where a number that begins `text` ends; `Err` with the end of what was read if it is none.
pub fn scan(text: &str) -> Result<usize, usize> {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0, hexadecimal: false };
    let whole = scan.number();
    let followed = scan.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    if whole && scan.at > 0 && !followed { Ok(scan.at) } else { Err(scan.at) }
}

/// A walk over digits, at most one point, at most one exponent, and underscores between digits.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    hexadecimal: bool,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn accept(&mut self, wanted: &[u8]) -> bool {
        let found = self.peek().is_some_and(|b| wanted.contains(&b));
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) {
        let hexadecimal = self.hexadecimal;
        let is_digit = |b: u8| if hexadecimal { b.is_ascii_hexdigit() } else { b.is_ascii_digit() };
        while self.peek().is_some_and(is_digit) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> bool {
        if self.accept(b"0") && self.accept(b"xX") {
            self.accept(b"_");
            self.hexadecimal = true;
        }
        let (mut point, mut exponent) = (false, false);
        loop {
            self.digits();
            let (repeated, refused): (bool, &[u8]) = if self.accept(b".") {
                (std::mem::replace(&mut point, true) || self.hexadecimal, b"_.")
            } else if !self.hexadecimal && self.accept(b"eE") {
                let repeated = std::mem::replace(&mut exponent, true);
                self.accept(b"+-");
                (repeated || self.peek().is_none(), b"._eE")
            } else if self.accept(b"_") {
                (self.peek().is_none(), b"._eE")
            } else {
                return true;
            };
            if repeated || self.accept(refused) {
                return false;
            }
        }
    }
}

/// The value of a number as [`scan`] takes it, or of `Inf` and `NaN`.
pub fn value(text: &str) -> Result<f64, String> {
    if let Some(value) = integer(text) {
        return Ok(value as f64);
    }
    let plain = text.replace('_', "");
    let failure =
        |why: &str| format!("error parsing number: strconv.ParseFloat: parsing {}: {why}", quote(text));
    let value: f64 = plain.parse().map_err(|_| failure("invalid syntax"))?;
    let said_so = plain.to_ascii_lowercase().contains("inf");
    if value.is_infinite() && !said_so { Err(failure("value out of range")) } else { Ok(value) }
}

/// Whole numbers, in the base that their beginning tells: `0x1f`, `017`, `42`.
fn integer(text: &str) -> Option<i64> {
    let plain = text.replace('_', "");
    let (digits, radix) = match plain.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&plain[2..], 16),
        [b'0', _, ..] => (&plain[1..], 8),
        _ => (&plain[..], 10),
    };
    i64::from_str_radix(digits, radix).ok()
}

const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// More than this overflows Prometheus' nanoseconds.
pub const LONGEST_SECONDS: f64 = 9_223_372_036.854_775;

/// Where what could be a duration ends; `Err` with the end of what was read if it cannot be one.
pub fn scan_duration(text: &str) -> Result<usize, usize> {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0, hexadecimal: false };
    while scan.peek().is_some_and(|b| b.is_ascii_digit()) {
        scan.digits();
        if !scan.accept(b"smhdwy") {
            break;
        }
        scan.accept(b"s");
    }
    let ended = scan.bytes[..scan.at].last().is_some_and(u8::is_ascii_alphabetic);
    match scan.peek() {
        Some(b) if b.is_ascii_alphanumeric() || b == b'_' => Err(scan.at + 1),
        _ if ended => Ok(scan.at),
        _ => Err(scan.at),
    }
}

/// A duration in seconds: `1h30m`.
pub fn duration(text: &str) -> Result<f64, String> {
    let (mut rest, mut units, mut ms) = (text, &UNITS[..], 0u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let unit_length = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit_length);
        if !UNITS.iter().any(|(name, _)| *name == unit) {
            return Err(format!("unknown unit {} in duration {}", quote(unit), quote(text)));
        }
        let Some(place) = units.iter().position(|(name, _)| *name == unit) else {
            return Err(format!("not a valid duration string: {}", quote(text)));
        };
        let amount = number.parse::<u64>().ok().and_then(|n| n.checked_mul(units[place].1));
        let total = amount.and_then(|n| ms.checked_add(n)).filter(|n| *n as f64 / 1000.0 <= LONGEST_SECONDS);
        ms = total.ok_or("duration out of range")?;
        (rest, units) = (behind, &units[place + 1..]);
    }
    Ok(ms as f64 / 1000.0)
}

/// The shortest way to write a duration of so many seconds, at least zero.
pub fn format_duration(seconds: f64) -> String {
    let mut ms = (seconds * 1000.0).round() as u64;
    if ms == 0 {
        return "0s".into();
    }
    let mut text = String::new();
    for (unit, length) in UNITS {
        // Years and weeks only if nothing is left over: 90 days read better than 12 weeks and 6 days.
        let whole_only = length > 86_400_000;
        if ms >= length && (!whole_only || ms.is_multiple_of(length)) {
            text.push_str(&format!("{}{unit}", ms / length));
            ms %= length;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go() {
        let read =
            |text: &str| scan(text).ok().filter(|end| *end == text.len()).map(|_| value(text).unwrap());
        assert_eq!(read("0x1_F"), Some(31.0));
        assert_eq!(read("017"), Some(15.0));
        assert_eq!(read("08"), Some(8.0));
        assert_eq!(read("1_000.5e-1"), Some(100.05));
        assert_eq!([read("1e"), read("1__0"), read("1.2.3"), read("0x1.8"), read("1x")], [None; 5]);
        assert!(value("1e400").unwrap_err().ends_with("value out of range"));
    }

    #[test]
    fn durations_have_units_in_falling_order() {
        assert_eq!(duration("1h30m"), Ok(5400.0));
        assert_eq!(duration("1s5ms"), Ok(1.005));
        assert!(duration("5m1h").unwrap_err().starts_with("not a valid duration string"));
        assert_eq!(duration("1000y"), Err("duration out of range".into()));
        assert_eq!(format_duration(5400.5), "1h30m500ms");
        assert_eq!(format_duration(500.0 * 86_400.0), "500d");
        assert_eq!(format_duration(0.0), "0s");
    }
}
