//! Numbers, durations and amounts of bytes as text.

/// Nanoseconds of Go's units.
const GO_UNITS: [(&str, f64); 8] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12)];

/// What a query may write besides.
const LONG_UNITS: [(&str, f64); 3] = [("d", 8.64e13), ("w", 6.048e14), ("y", 3.1536e16)];

/// A duration in a query: `5m`, `1h30m`, `1d`, in nanoseconds.
///
/// # Errors
/// In Loki's words.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    parse_units(text, &[&GO_UNITS[..], &LONG_UNITS].concat()).map_err(|fault| match fault {
        Fault::UnknownUnit(unit) => format!("unknown unit {unit:?} in duration {text:?}"),
        _ => format!("not a valid duration string: {text:?}"),
    })
}

/// A duration in a log line, with Go's units only; in nanoseconds.
///
/// # Errors
/// In Go's words.
pub fn parse_go_duration(text: &str) -> Result<i64, String> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if unsigned == "0" {
        return Ok(0);
    }
    parse_units(unsigned, &GO_UNITS).map(|ns| sign * ns).map_err(|fault| match fault {
        Fault::UnknownUnit(unit) => format!("time: unknown unit {unit:?} in duration {text:?}"),
        Fault::MissingUnit => format!("time: missing unit in duration {text:?}"),
        Fault::Invalid => format!("time: invalid duration {text:?}"),
    })
}

enum Fault {
    Invalid,
    MissingUnit,
    UnknownUnit(String),
}

fn parse_units(text: &str, units: &[(&str, f64)]) -> Result<i64, Fault> {
    let mut rest = text;
    let mut total = 0.0;
    if rest.is_empty() {
        return Err(Fault::Invalid);
    }
    while !rest.is_empty() {
        let (number, tail) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let amount: f64 = number.parse().map_err(|_| Fault::Invalid)?;
        let (unit, tail) = split(tail, |c| !c.is_ascii_digit() && c != '.');
        if unit.is_empty() {
            return Err(Fault::MissingUnit);
        }
        let known = units.iter().find(|(name, _)| *name == unit);
        total += amount * known.ok_or_else(|| Fault::UnknownUnit(unit.into()))?.1;
        rest = tail;
    }
    // 2^63: what an i64 of nanoseconds cannot hold is no duration
    if total < 9.223_372_036_854_776e18 { Ok(total.round() as i64) } else { Err(Fault::Invalid) }
}

fn split(text: &str, head: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !head(c)).unwrap_or(text.len()))
}

/// The form that Go prints: `1h30m0s`, `250ms`.
pub fn format_duration(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    let text = match ns {
        0 => "0s".into(),
        1..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => decimal(ns, 1_000) + "µs",
        1_000_000..1_000_000_000 => decimal(ns, 1_000_000) + "ms",
        _ => {
            let seconds = decimal(ns % 60_000_000_000, 1_000_000_000) + "s";
            match (ns / 3_600_000_000_000, ns / 60_000_000_000 % 60) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    };
    format!("{sign}{text}")
}

/// `ns` in `unit`s (a power of ten), without trailing zeros.
fn decimal(ns: u64, unit: u64) -> String {
    let text = format!("{}.{:0width$}", ns / unit, ns % unit, width = unit.ilog10() as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number in a form that a query may hold.
pub fn format_float(number: f64) -> String {
    match number {
        n if n.is_nan() => "(0 / 0)".into(),
        n if n.is_infinite() => format!("{}1e999", if n < 0.0 { "-" } else { "" }),
        n => n.to_string(),
    }
}

/// A number as Go writes it: decimal, or hexadecimal with an exponent of two (`0x1.8p3`).
///
/// # Errors
/// In Go's words.
pub fn parse_float(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().or_else(|| parse_hexadecimal(text));
    number.ok_or_else(|| format!("strconv.ParseFloat: parsing {text:?}: invalid syntax"))
}

fn parse_hexadecimal(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    let (mantissa, exponent) = lower.strip_prefix("0x")?.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let value = u64::from_str_radix(&digits, 16).ok()? as f64;
    let exponent: i32 = exponent.parse().ok()?;
    Some(value * 2_f64.powi(exponent.checked_sub(4 * i32::try_from(fraction.len()).ok()?)?))
}

#[rustfmt::skip] // a table reads better in columns
const BYTE_UNITS: [(&str, f64); 20] = [
    ("", 1.0), ("b", 1.0), ("k", 1e3), ("kb", 1e3), ("m", 1e6), ("mb", 1e6), ("g", 1e9), ("gb", 1e9),
    ("t", 1e12), ("tb", 1e12), ("p", 1e15), ("pb", 1e15), ("e", 1e18), ("eb", 1e18), ("kib", 1024.0),
    ("mib", 1_048_576.0), ("gib", 1_073_741_824.0), ("tib", 1_099_511_627_776.0),
    ("pib", 1_125_899_906_842_624.0), ("eib", 1_152_921_504_606_846_976.0),
];

/// An amount of bytes: `512`, `1.5KB` (1000 each), `2MiB` (1024 each), `2,048`.
///
/// # Errors
/// In Loki's words.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text, |c| c.is_ascii_digit() || c == '.' || c == ',');
    let amount: f64 = number
        .replace(',', "")
        .parse()
        .map_err(|_| format!("strconv.ParseFloat: parsing {number:?}: invalid syntax"))?;
    let wanted = unit.trim().to_lowercase();
    let ki = wanted.strip_suffix('i').map(|u| format!("{u}ib")).unwrap_or(wanted);
    let (_, factor) = BYTE_UNITS
        .iter()
        .find(|(name, _)| *name == ki)
        .ok_or_else(|| format!("unhandled size name: {}", unit.trim()))?;
    let bytes = amount * factor;
    if bytes < 1.8446744073709552e19 { Ok(bytes as u64) } else { Err(format!("too large: {text}")) }
}

/// What a text looks like: `int`, `float`, `boolean`, `duration`, `bytes` or `string`.
pub fn value_kind(text: &str) -> &'static str {
    match text {
        _ if text.parse::<i64>().is_ok() => "int",
        _ if text.parse::<f64>().is_ok() => "float",
        "true" | "false" | "TRUE" | "FALSE" | "True" | "False" => "boolean",
        _ if parse_go_duration(text).is_ok() => "duration",
        _ if parse_bytes(text).is_ok() => "bytes",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_queries_know_days_and_those_of_lines_do_not() {
        assert_eq!(parse_duration("1d"), Ok(86_400_000_000_000));
        assert_eq!(parse_duration("1h0.5m"), Ok(3_630_000_000_000));
        assert_eq!(parse_go_duration("-1.5s"), Ok(-1_500_000_000));
        assert_eq!(parse_go_duration("1d"), Err("time: unknown unit \"d\" in duration \"1d\"".into()));
        assert_eq!(parse_go_duration("90"), Err("time: missing unit in duration \"90\"".into()));
        assert!(parse_duration("").is_err() && parse_duration("9999999y").is_err());
    }

    #[test]
    fn durations_print_as_they_parse() {
        for text in ["0s", "1ns", "1.5µs", "250ms", "5m0s", "1h0m0.25s", "24h0m0s", "11m11s"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(format_duration(-300_000_000_000), "-5m0s");
    }

    #[test]
    fn hexadecimal_numbers_have_an_exponent() {
        assert_eq!(parse_float("0x1.8p3"), Ok(12.0));
        assert_eq!(parse_float("0X1P-1"), Ok(0.5));
        assert!(parse_float("0x10").is_err() && parse_float("0xp1").is_err());
    }

    #[test]
    fn bytes_have_decimal_and_binary_units() {
        let amounts = [("1.5KB", 1500), ("2MiB", 2_097_152), ("2,048", 2048), ("1 kb", 1000), ("2Ki", 2048)];
        for (text, bytes) in amounts {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        assert_eq!(parse_bytes("1XB"), Err("unhandled size name: XB".into()));
    }
}
