//! How people write it: `15d`, `off`, or `{age: 15d, bytes: 100GiB, free_percent: 5}`.

use config::{ByteSize, Duration};
use serde::{Deserialize, Deserializer, de};

use super::Retention;

impl std::str::FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Retention::OFF),
            age => age.parse().map(Retention::of_age).map_err(|e: String| format!("{e}, or off")),
        }
    }
}

/// The long form.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Limits {
    age: AgeOrOff,
    bytes: Option<ByteSize>,
    free_percent: Option<u8>,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct AgeOrOff(Option<Duration>);

impl TryFrom<String> for AgeOrOff {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Ok(AgeOrOff(text.parse::<Retention>()?.age))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits { age: AgeOrOff(Retention::default().age), bytes: None, free_percent: None }
    }
}

impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Retention;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an age like 15d, off, or age, bytes and free_percent")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Retention, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<Retention, E> {
        // What YAML makes of a bare `off`.
        if on { Err(E::invalid_value(de::Unexpected::Bool(on), &self)) } else { Ok(Retention::OFF) }
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Retention, A::Error> {
        let limits = Limits::deserialize(de::value::MapAccessDeserializer::new(map))?;
        if limits.free_percent.is_some_and(|percent| percent >= 100) {
            return Err(de::Error::custom("free_percent is below 100"));
        }
        Ok(Retention { age: limits.age.0, bytes: limits.bytes, free_percent: limits.free_percent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Retention, String> {
        #[derive(Deserialize)]
        struct Section {
            retention: Retention,
        }
        let parsed = config::parse::<Section>("test", &format!("retention: {text}\n"));
        parsed.map(|section| section.retention).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_setting_is_an_age_or_off_or_has_a_limit_for_each() {
        let day = Duration::from_secs(86_400);
        assert_eq!(parse("1d"), Ok(Retention::of_age(day)));
        assert_eq!((parse("off"), parse("\"off\"")), (Ok(Retention::OFF), Ok(Retention::OFF)));
        let by_bytes = Retention { bytes: Some(ByteSize(100 << 30)), ..Retention::default() };
        assert_eq!(parse("{bytes: 100GiB}"), Ok(by_bytes));
        let all = Retention { age: None, bytes: Some(ByteSize(1 << 20)), free_percent: Some(5) };
        assert_eq!(parse("{age: off, bytes: 1MiB, free_percent: 5}"), Ok(all));
        for wrong in ["never", "{free_percent: 100}", "{size: 1}", "{age: -1}", "true"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse("never").unwrap_err().contains("or off"));
    }
}
