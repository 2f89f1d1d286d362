//! Numbers for people, in the forms that Prometheus' templates give them.

use jiff::Timestamp;

const DECIMAL: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];

/// `1234567` as `1.235M`.
pub fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return significant(value);
    }
    if value.abs() >= 1.0 {
        return scaled(value, 1000.0, &DECIMAL);
    }
    let (mut value, mut prefix) = (value, "");
    for next in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        (value, prefix) = (value * 1000.0, next);
    }
    significant(value) + prefix
}

/// `1048576` as `1Mi`.
pub fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return significant(value);
    }
    scaled(value, 1024.0, &BINARY)
}

/// `0.1234` as `12.34%`.
pub fn humanize_percentage(value: f64) -> String {
    significant(value * 100.0) + "%"
}

/// `3725` seconds as `1h 2m 5s`.
pub fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return significant(value);
    }
    if value == 0.0 {
        return "0s".into();
    }
    if value.abs() >= 1.0 {
        return whole_units(value);
    }
    let (mut value, mut prefix) = (value, "");
    for next in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        (value, prefix) = (value * 1000.0, next);
    }
    significant(value) + prefix + "s"
}

/// Seconds since 1970 as `2023-11-14 22:13:20 +0000 UTC`.
pub fn humanize_timestamp(value: f64) -> String {
    match Timestamp::from_millisecond((value * 1000.0) as i64) {
        Ok(time) if value.is_finite() => {
            let fraction = time.subsec_millisecond();
            let text = time.strftime("%Y-%m-%d %H:%M:%S").to_string();
            let digits = format!(".{fraction:03}");
            let digits = if fraction == 0 { "" } else { digits.trim_end_matches('0') };
            format!("{text}{digits} +0000 UTC")
        }
        _ => significant(value),
    }
}

fn scaled(value: f64, base: f64, prefixes: &[&'static str]) -> String {
    let (mut value, mut prefix) = (value, "");
    for next in prefixes {
        if value.abs() < base {
            break;
        }
        (value, prefix) = (value / base, next);
    }
    significant(value) + prefix
}

fn whole_units(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    let value = value.abs();
    let total = value as u64;
    let (days, hours, minutes, seconds) = (total / 86_400, total / 3_600 % 24, total / 60 % 60, total % 60);
    if days > 0 {
        return format!("{sign}{days}d {hours}h {minutes}m {seconds}s");
    }
    if hours > 0 {
        return format!("{sign}{hours}h {minutes}m {seconds}s");
    }
    if minutes > 0 {
        return format!("{sign}{minutes}m {seconds}s");
    }
    format!("{sign}{}s", significant(value))
}

/// Four significant digits, as `%.4g` of C.
fn significant(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    let scientific = format!("{value:.3e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..4).contains(&exponent) {
        let decimals = usize::try_from(3 - exponent).unwrap_or(0);
        return without_zeros(&format!("{value:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(digits), exponent.abs())
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_in_prometheus() {
        assert_eq!(humanize(1_234_567.0), "1.235M");
        assert_eq!(humanize(0.0), "0");
        assert_eq!(humanize(0.001_234), "1.234m");
        assert_eq!(humanize(f64::INFINITY), "+Inf");
        assert_eq!(humanize_1024(1_048_576.0), "1Mi");
        assert_eq!(humanize_1024(0.5), "0.5");
        assert_eq!(humanize_percentage(0.123_456), "12.35%");
        assert_eq!(humanize_percentage(12.3456), "1235%");
        assert_eq!(humanize_duration(899_999.0), "10d 9h 59m 59s");
        assert_eq!(humanize_duration(3_725.0), "1h 2m 5s");
        assert_eq!(humanize_duration(-61.0), "-1m 1s");
        assert_eq!(humanize_duration(1.5), "1.5s");
        assert_eq!(humanize_duration(0.1), "100ms");
        assert_eq!(humanize_timestamp(1_700_000_000.5), "2023-11-14 22:13:20.5 +0000 UTC");
        assert_eq!(significant(123_456.0), "1.235e+05");
    }
}
