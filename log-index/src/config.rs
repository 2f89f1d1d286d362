//! The `index:` section of the configuration.

use config::{ByteSize, Duration};
use serde::{Deserialize, Deserializer, de::Error};

/// How much is kept, and when it leaves memory.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How old entries and samples may be, by their own timestamps.
    pub retention: Retention,
    /// Bytes of lines, metadata and samples in memory from which on they are sealed into a segment.
    pub segment_bytes: ByteSize,
    /// Age from which on what is in memory is sealed, however little it is.
    pub flush_after: Duration,
    /// Bytes that merged segments have at most.
    pub merged_bytes: ByteSize,
    /// Zstandard's level for blocks, 1 to 19.
    pub compression_level: i32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            retention: Retention::Age(Duration::from_secs(15 * 86_400)),
            segment_bytes: ByteSize(32 << 20),
            flush_after: Duration::from_secs(600),
            merged_bytes: ByteSize(512 << 20),
            // Level 3 takes a third more time for lines that are hardly smaller.
            compression_level: 1,
        }
    }
}

/// How long data stays. Data with any timestamp inside it is taken in, in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// `15d`: what is older is not taken in, and is dropped, a whole segment at a time.
    Age(Duration),
    /// `off`: everything is taken in and stays.
    Off,
}

impl Retention {
    /// Timestamps in milliseconds below this are too old at `now_ms`.
    pub fn horizon_ms(self, now_ms: i64) -> i64 {
        match self {
            Retention::Age(age) => now_ms.saturating_sub(age.millis()),
            Retention::Off => i64::MIN,
        }
    }

    /// How far the newest times of segments that are merged may lie apart, milliseconds: a part of the age, so
    /// that none stays for much longer than it has to.
    pub fn spread_ms(self) -> i64 {
        const PART: i64 = 8;
        match self {
            Retention::Age(age) => age.millis() / PART,
            Retention::Off => i64::MAX,
        }
    }
}

impl std::str::FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Retention::Off),
            age => age.parse().map(Retention::Age).map_err(|e: String| format!("{e}, or off")),
        }
    }
}

impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_an_age_or_off() {
        assert_eq!("15d".parse(), Ok(Retention::Age(Duration::from_secs(15 * 86_400))));
        assert_eq!("off".parse(), Ok(Retention::Off));
        assert!("never".parse::<Retention>().unwrap_err().ends_with("or off"));
        assert_eq!(Retention::Off.horizon_ms(5), i64::MIN);
        assert_eq!(Retention::Age(Duration::from_secs(1)).horizon_ms(5_000), 4_000);
    }
}
