//! More series than an answer may have: the largest are exact, the others are one.

use super::series::Series;
use crate::LabelSet;

/// The name of the series that stands for the others.
const OTHER: (&str, &str) = ("__name__", "other");

/// Keeps the `most` series with the largest sums and adds up the rest. Says so, if there is a rest.
pub fn gathered(mut series: Vec<Series>, most: usize) -> (Vec<Series>, Option<String>) {
    let all = series.len();
    if all <= most {
        return (series, None);
    }
    series.sort_by(|a, b| sum(b).total_cmp(&sum(a)).then_with(|| a.labels.cmp(&b.labels)));
    let rest = series.split_off(most);
    let count = rest.len();
    series.push(added(&rest));
    let notice = format!(
        "the answer has {all} series: the {most} with the largest sums are as they are, the other {count} are \
         added up in the series `other`; narrow the selector or aggregate by fewer labels"
    );
    (series, Some(notice))
}

/// NaN counts for nothing.
fn sum(series: &Series) -> f64 {
    series.values.iter().flatten().filter(|value| !value.is_nan()).sum()
}

fn added(rest: &[Series]) -> Series {
    let steps = rest.iter().map(|series| series.values.len()).max().unwrap_or(0);
    let at =
        |step: usize| rest.iter().filter_map(|series| series.values[step]).reduce(|sum, value| sum + value);
    let labels = LabelSet::from_iter([(OTHER.0.to_owned(), OTHER.1.to_owned())]);
    Series { labels, values: (0..steps).map(at).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, values: [Option<f64>; 2]) -> Series {
        Series { labels: LabelSet::from_iter([("job".to_owned(), name.to_owned())]), values: values.into() }
    }

    #[test]
    fn the_largest_stay_and_the_sum_of_all_too() {
        let all = vec![
            series("a", [Some(1.0), None]),
            series("b", [Some(5.0), Some(1.0)]),
            series("c", [None, Some(2.0)]),
            series("d", [Some(f64::NAN), Some(9.0)]),
        ];
        let (kept, notice) = gathered(all.clone(), 2);
        let shown: Vec<(String, Vec<Option<f64>>)> =
            kept.into_iter().skip(1).map(|s| (s.labels.to_string(), s.values)).collect();
        let expected = [
            ("{job=\"b\"}".to_owned(), vec![Some(5.0), Some(1.0)]),
            ("{__name__=\"other\"}".to_owned(), vec![Some(1.0), Some(2.0)]),
        ];
        assert_eq!(shown, expected);
        assert!(notice.unwrap().starts_with("the answer has 4 series"));
        assert_eq!(gathered(all, 4).1, None);
    }
}
