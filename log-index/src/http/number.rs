//! Numbers in the JSON of both APIs: times as seconds, values as text.

use std::{
    fmt::{self, Display, Formatter},
    ops::Range,
};

use event::Sample;
use serde::{Serialize, Serializer};

/// Milliseconds since 1970, written as seconds: `1435781430.781`.
pub(super) struct Seconds(pub i64);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 1000 {
            0 => serializer.serialize_i64(self.0 / 1000),
            _ => serializer.serialize_f64(self.0 as f64 / 1000.0),
        }
    }
}

/// A number as Loki writes it: the shortest digits that give the same number, never an exponent.
#[derive(Clone, Copy)]
pub(super) struct Plain(pub f64);

impl Display for Plain {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            value if value.is_nan() => f.write_str("NaN"),
            value => {
                let mut buffer = zmij::Buffer::new();
                let text = buffer.format_finite(value);
                // What it writes with an exponent is rare.
                if text.contains('e') {
                    return write!(f, "{value}");
                }
                f.write_str(text.strip_suffix(".0").unwrap_or(text))
            }
        }
    }
}

/// A number as Prometheus writes it: like Loki, with an exponent for very large and small ones.
#[derive(Clone, Copy)]
pub(super) struct Number(pub f64);

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if has_size_beyond(self.0, 1e-6..1e21) { exponential(self.0, f) } else { Plain(self.0).fmt(f) }
    }
}

/// A number as Prometheus' text format has it: with an exponent from a million on.
pub(super) struct Exposed(pub f64);

impl Display for Exposed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if has_size_beyond(self.0, 1e-4..1e6) { exponential(self.0, f) } else { Plain(self.0).fmt(f) }
    }
}

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `[time, "value"]` as Loki writes it.
pub(super) fn loki_pair(sample: Sample) -> (Seconds, Plain) {
    (Seconds(sample.timestamp_ms), Plain(sample.value))
}

/// `[time, "value"]` as Prometheus writes it.
pub(super) fn prometheus_pair(sample: Sample) -> (Seconds, Number) {
    (Seconds(sample.timestamp_ms), Number(sample.value))
}

fn has_size_beyond(value: f64, plain: Range<f64>) -> bool {
    let size = value.abs();
    size.is_finite() && size != 0.0 && !plain.contains(&size)
}

/// With a sign and at least two digits in the exponent: `1.5e-07`, `1e+21`.
fn exponential(value: f64, f: &mut Formatter<'_>) -> fmt::Result {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    write!(f, "{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(timestamp_ms: i64, value: f64) -> [String; 2] {
        let sample = Sample { timestamp_ms, value };
        [
            serde_json::to_string(&prometheus_pair(sample)).unwrap(),
            serde_json::to_string(&loki_pair(sample)).unwrap(),
        ]
    }

    #[test]
    fn numbers_have_their_shortest_form() {
        assert_eq!(written(1_435_781_430_781, 1.0)[0], r#"[1435781430.781,"1"]"#);
        assert_eq!(written(1_435_781_430_000, 0.1)[1], r#"[1435781430,"0.1"]"#);
        assert_eq!(written(500, -0.5)[0], r#"[0.5,"-0.5"]"#);
        assert_eq!(written(0, 123_456_789.125)[0], r#"[0,"123456789.125"]"#);
    }

    #[test]
    fn what_json_has_no_number_for_is_text() {
        assert_eq!(written(0, f64::NAN), [r#"[0,"NaN"]"#; 2]);
        assert_eq!(written(0, f64::INFINITY), [r#"[0,"+Inf"]"#; 2]);
        assert_eq!(written(0, f64::NEG_INFINITY), [r#"[0,"-Inf"]"#; 2]);
    }

    #[test]
    fn the_text_format_has_exponents_early() {
        let written = [999_999.0, 1e6, 1_234_567.5, 1e-4, 1.5e-5, f64::NEG_INFINITY];
        let written = written.map(|value| Exposed(value).to_string());
        assert_eq!(written, ["999999", "1e+06", "1.2345675e+06", "0.0001", "1.5e-05", "-Inf"]);
    }

    #[test]
    fn only_prometheus_writes_exponents() {
        assert_eq!(written(0, 1e21), [r#"[0,"1e+21"]"#, r#"[0,"1000000000000000000000"]"#]);
        assert_eq!(written(0, -1.5e-7), [r#"[0,"-1.5e-07"]"#, r#"[0,"-0.00000015"]"#]);
        assert_eq!(written(0, 1e17)[0], r#"[0,"100000000000000000"]"#);
        assert_eq!(written(0, 5e-324)[0], r#"[0,"5e-324"]"#);
    }
}
