//! Times and lengths of time as the two APIs write them.

use jiff::Timestamp;

/// A time of Loki's API in nanoseconds since 1970: RFC 3339, nanoseconds, seconds with a fraction, or whole
/// seconds of at most ten digits. `None` if it is none of them.
pub(super) fn loki_time(text: &str) -> Option<i64> {
    if text.contains('.')
        && let Ok(seconds) = text.parse::<f64>()
    {
        return seconds_to_ms(seconds)?.checked_mul(1_000_000);
    }
    match text.parse::<i64>() {
        Ok(seconds) if text.len() <= 10 => seconds.checked_mul(1_000_000_000),
        Ok(ns) => Some(ns),
        Err(_) => rfc3339_ns(text),
    }
}

/// A time of Prometheus' API in milliseconds since 1970: seconds, or RFC 3339. What lies outside of the years
/// 1677 to 2262 counts as their ends.
pub fn prometheus_time(text: &str) -> Option<i64> {
    const END: i64 = i64::MAX / 1_000_000;
    let ms = match text.parse::<f64>() {
        Ok(seconds) => seconds_to_ms(seconds)?,
        Err(_) => text.parse::<Timestamp>().ok()?.as_millisecond(),
    };
    Some(ms.clamp(-END, END))
}

/// A length of time in nanoseconds: seconds, or a form like `5m` and `1h30m`.
pub(super) fn duration_ns(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        let ns = seconds * 1e9;
        return (ns.abs() < i64::MAX as f64).then_some(ns as i64);
    }
    let duration: config::Duration = text.parse().ok()?;
    i64::try_from(duration.0.as_nanos()).ok()
}

/// Whole milliseconds; numbers that are too large count as the largest ones.
fn seconds_to_ms(seconds: f64) -> Option<i64> {
    let ms = seconds.trunc() * 1000.0 + (seconds.fract() * 1000.0).round();
    ms.is_finite().then_some(ms as i64)
}

fn rfc3339_ns(text: &str) -> Option<i64> {
    let time: Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn loki_times_are_nanoseconds_seconds_or_rfc_3339() {
        assert_eq!(loki_time("1568404331324000000"), Some(1_568_404_331_324_000_000));
        assert_eq!(loki_time("4000000000"), Some(4_000_000_000_000_000_000));
        assert_eq!(loki_time("1568404331"), Some(1_568_404_331_000_000_000));
        assert_eq!(loki_time("1568404331.324"), Some(1_568_404_331_324_000_000));
        assert_eq!(loki_time("2019-09-13T19:52:11.324Z"), Some(1_568_404_331_324_000_000));
        assert_eq!(loki_time("2019-09-13T21:52:11.324000001+02:00"), Some(1_568_404_331_324_000_001));
        for wrong in ["yesterday", "1e99.0", "NaN", "99999999999999999999", ""] {
            assert_eq!(loki_time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn prometheus_times_are_seconds_or_rfc_3339() {
        assert_eq!(prometheus_time("1435781430.781"), Some(1_435_781_430_781));
        assert_eq!(prometheus_time("4"), Some(4_000));
        assert_eq!(prometheus_time("-1.5"), Some(-1_500));
        assert_eq!(prometheus_time("2015-07-01T20:10:51.781Z"), Some(1_435_781_451_781));
        assert_eq!(prometheus_time("1e300"), Some(9_223_372_036_854));
        for wrong in ["", "now", "NaN", "inf"] {
            assert_eq!(prometheus_time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lengths_of_time_are_seconds_or_have_units() {
        assert_eq!(duration_ns("15"), Some(15_000_000_000));
        assert_eq!(duration_ns("0.5"), Some(500_000_000));
        assert_eq!(duration_ns("2000ms"), Some(2_000_000_000));
        assert_eq!(duration_ns("1h30m"), Some(5_400_000_000_000));
        assert_eq!(duration_ns("-5"), Some(-5_000_000_000));
        for wrong in ["", "5 minutes", "NaN", "inf", "1e300", "99999999y"] {
            assert_eq!(duration_ns(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parsers(text in "\\PC{0,24}|[-+0-9.eEinfNaTZ:smhdwy]{0,30}") {
            loki_time(&text);
            prometheus_time(&text);
            duration_ns(&text);
        }

        #[test]
        fn nanoseconds_come_back_as_they_went(ns in 10_000_000_000_i64..i64::MAX) {
            prop_assert_eq!(loki_time(&ns.to_string()), Some(ns));
        }
    }
}
