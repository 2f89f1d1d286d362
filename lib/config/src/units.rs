//! Durations and sizes as people write them: `90s`, `1h30m`, `15d`; `512`, `64KiB`, `1.5GB`.

use std::{fmt, str::FromStr, time};

use serde::{Deserialize, Deserializer, de::Error};

/// Prometheus' form: whole numbers with `ms`, `s`, `m`, `h`, `d`, `w`, `y`, largest unit first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub time::Duration);

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const TIME_UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

const SIZE_UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

impl Duration {
    /// Whole milliseconds.
    pub fn millis(self) -> i64 {
        i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX)
    }

    /// From whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Duration(time::Duration::from_secs(secs))
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no duration; write for example 30s, 5m, 1h30m or 15d");
        if text == "0" {
            return Ok(Duration::default());
        }
        let (mut rest, mut millis, mut units) = (text, 0_u64, TIME_UNITS.iter());
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
            let tail = &rest[digits..];
            let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let (_, size) = units.find(|(name, _)| *name == &tail[..end]).ok_or_else(wrong)?;
            millis = number.checked_mul(*size).and_then(|m| millis.checked_add(m)).ok_or_else(wrong)?;
            rest = &tail[end..];
        }
        if text.is_empty() { Err(wrong()) } else { Ok(Duration(time::Duration::from_millis(millis))) }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (name, size) in TIME_UNITS.iter().filter(|(name, _)| *name != "w" && *name != "y") {
            if rest >= *size {
                write!(f, "{}{name}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no size; write for example 512KiB, 64MiB or 10GB");
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let number: f64 = text[..end].parse().map_err(|_| wrong())?;
        let unit = text[end..].trim().to_ascii_lowercase();
        let (_, size) = SIZE_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        Ok(ByteSize((number * *size as f64) as u64))
    }
}

macro_rules! deserialize_from_text {
    ($type:ty) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}
deserialize_from_text!(Duration);
deserialize_from_text!(ByteSize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_prometheus_reads_them() {
        let millis = |text: &str| text.parse::<Duration>().map(Duration::millis);
        assert_eq!(millis("1h30m"), Ok(5_400_000));
        assert_eq!(millis("15d"), Ok(15 * 86_400_000));
        assert_eq!(millis("250ms"), Ok(250));
        assert!(millis("5").unwrap_err().contains("5m"));
        assert!(millis("5m1h").is_err() && millis("").is_err() && millis("99999999999999y").is_err());
        assert_eq!("90s".parse::<Duration>().unwrap().to_string(), "1m30s");
    }

    #[test]
    fn sizes_know_decimal_and_binary_units() {
        assert_eq!("64KiB".parse(), Ok(ByteSize(65_536)));
        assert_eq!("1.5GB".parse(), Ok(ByteSize(1_500_000_000)));
        assert!("many".parse::<ByteSize>().is_err());
    }
}
