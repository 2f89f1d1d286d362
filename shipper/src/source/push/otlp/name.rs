//! Names of metrics and labels as Prometheus has them: letters, digits and underscores, the unit and `_total` at the
//! end.

/// Units in words.
const UNITS: [(&str, &str); 25] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
];
/// The same behind `per`.
const PER: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// What of a metric's type its name shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Ends in `_total`.
    Counter,
    /// Of the unit 1 it ends in `_ratio`.
    Gauge,
    /// Shows nothing.
    Other,
}

/// The name of a metric; empty if there is no letter and no digit in it.
pub fn metric(name: &str, unit: &str, shape: Shape) -> String {
    let mut words: Vec<&str> = words(name).collect();
    let (main, per) = units(unit);
    if !main.is_empty() && !words.contains(&&*main) {
        words.push(&main);
    }
    words.extend((!per.is_empty()).then_some(&*per));
    match shape {
        Shape::Counter => move_to_end(&mut words, "total"),
        Shape::Gauge if unit == "1" => move_to_end(&mut words, "ratio"),
        _ => {}
    }
    let name = words.join("_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// The unit as it stands in a metric's name.
pub fn unit(unit: &str) -> String {
    let (main, per) = units(unit);
    [main, per].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

/// The name of a label: what is neither letter, digit nor underscore becomes an underscore.
pub fn label(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    match plain.as_bytes() {
        [b'0'..=b'9', ..] => format!("key_{plain}"),
        [b'_', b'_', ..] => plain,
        [b'_', ..] => format!("key{plain}"),
        _ => plain,
    }
}

fn move_to_end<'a>(words: &mut Vec<&'a str>, word: &'a str) {
    words.retain(|other| *other != word);
    words.push(word);
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric() && c != ':').filter(|word| !word.is_empty())
}

/// `By/s` becomes `bytes` and `per_second`; what is in braces is left out.
fn units(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let per = in_words(per, &PER);
    let main = if main.trim() == "1" { String::new() } else { in_words(main, &UNITS) };
    (main, if per.is_empty() { per } else { format!("per_{per}") })
}

fn in_words(unit: &str, known: &[(&str, &str)]) -> String {
    let unit = unit.trim();
    if unit.contains(['{', '}']) {
        return String::new();
    }
    let found = known.iter().find(|(short, _)| *short == unit);
    words(found.map_or(unit, |(_, long)| long)).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_in_units_and_types() {
        for (name, of, shape, wanted) in [
            ("http.server.duration", "s", Shape::Other, "http_server_duration_seconds"),
            ("system.network.io", "By", Shape::Counter, "system_network_io_bytes_total"),
            ("rpc.total.calls", "{call}", Shape::Counter, "rpc_calls_total"),
            ("cpu.utilization", "1", Shape::Gauge, "cpu_utilization_ratio"),
            ("objects", "1", Shape::Counter, "objects_total"),
            ("disk.speed", "By/s", Shape::Gauge, "disk_speed_bytes_per_second"),
            ("latency_seconds", "s", Shape::Gauge, "latency_seconds"),
            ("broken disks", "{disk}/m", Shape::Gauge, "broken_disks_per_minute"),
            ("load", "foo-bar", Shape::Gauge, "load_foo_bar"),
            ("2xx", "", Shape::Gauge, "_2xx"),
            ("ratio:a__b", "%", Shape::Gauge, "ratio:a_b_percent"),
            ("é", "", Shape::Gauge, ""),
        ] {
            assert_eq!(metric(name, of, shape), wanted);
        }
    }

    #[test]
    fn labels_begin_as_labels_do() {
        let cases = ["http.status-code", "2xx", "_private", "__reserved", "a__b"];
        assert_eq!(cases.map(label), ["http_status_code", "key_2xx", "key_private", "__reserved", "a__b"]);
        assert_eq!((unit("By/s"), unit("1")), ("bytes_per_second".into(), String::new()));
    }
}
