//! Start timestamps as the scripts describe them, as distances from the samples: `up{job="a"}@st -1m -30s-1mx3 _`.

use event::Labels;
use promql::parse_metric;

use crate::series::duration;

pub fn is_of_starts(line: &str) -> bool {
    line.split_whitespace().next().is_some_and(|word| word.ends_with("@st"))
}

/// A series, and the distance at each step in milliseconds; `None` for none.
pub fn start_offsets(line: &str) -> (Labels, Vec<Option<i64>>) {
    let (metric, offsets) = line.split_once("@st").unwrap();
    let labels = parse_metric(metric).unwrap_or_else(|e| panic!("{line}: {e}"));
    let mut all = Vec::new();
    offsets.split_whitespace().for_each(|word| expand(word, &mut all));
    (labels, all)
}

/// `-1m`, `_`, `_x3` (three times), `-1mx3` (four times), `-30s-1mx3` (-30s, -1m30s and so on).
fn expand(word: &str, all: &mut Vec<Option<i64>>) {
    let (what, more) = match word.split_once('x') {
        Some((what, more)) => (what, more.parse::<i64>().unwrap()),
        None => (word, 0),
    };
    if what == "_" {
        return all.extend(vec![None; more.max(1) as usize]);
    }
    let sign = what.rfind(['+', '-']).filter(|at| *at > 0 && more > 0).unwrap_or(what.len());
    let (start, growth) = what.split_at(sign);
    let ms = |text: &str| duration(text.trim_start_matches('+'));
    let growth = if growth.is_empty() { 0 } else { ms(growth) };
    all.extend((0..=more).map(|step| Some(ms(start) + growth * step)));
}
