//! Windows: aggregates over all samples in the span that ends at the step (its beginning excluded).

use std::collections::BTreeMap;

use event::{Labels, METRIC_NAME, Sample, Series};
use promql::{Storage, StorageError};

use super::program::{Function, Window};

impl Window {
    /// The series that the window gives at `step_ms`, sorted by their labels.
    ///
    /// # Errors
    /// When `storage` fails.
    pub fn evaluate(&self, storage: &dyn Storage, step_ms: i64) -> Result<Vec<(Labels, f64)>, StorageError> {
        let start = step_ms.saturating_sub(self.window_ms).saturating_add(1);
        let mut series = storage.select(&self.matchers, start, step_ms, &|_| false)?.numbers;
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
        for one in &series {
            let values = self.values(one);
            if !values.is_empty() {
                groups.entry(self.key(&one.labels)).or_default().extend(values);
            }
        }
        let mut all: Vec<(Labels, f64)> = groups.iter().flat_map(|(key, v)| self.results(key, v)).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(all)
    }

    /// `node_load1:avg_1m`, `node_load1:p95_1m`, `node_load1:avg_last3`.
    pub fn series_name(&self, function: Function) -> String {
        let what = match function {
            Function::Sum => "sum".into(),
            Function::Avg => "avg".into(),
            Function::Min => "min".into(),
            Function::Max => "max".into(),
            Function::Count => "count".into(),
            Function::Quantile(phi) => {
                let percent = (phi * 1e6).round() / 1e4;
                format!("p{}", percent.to_string().replace('.', "_"))
            }
        };
        match self.last {
            Some(count) => format!("{}:{what}_last{count}", self.name),
            None => {
                let length = std::time::Duration::from_millis(self.window_ms.unsigned_abs());
                format!("{}:{what}_{}", self.name, config::Duration(length))
            }
        }
    }

    fn values(&self, series: &Series) -> Vec<f64> {
        let values: Vec<f64> =
            series.samples.iter().filter(|s| !s.is_stale()).map(|s: &Sample| s.value).collect();
        match self.last {
            Some(count) => values[values.len().saturating_sub(count)..].to_vec(),
            None => values,
        }
    }

    fn key(&self, labels: &Labels) -> Labels {
        match &self.by {
            Some(names) => labels.filtered(|n| names.iter().any(|k| k == n)),
            None => labels.filtered(|n| n != METRIC_NAME),
        }
    }

    fn results<'a>(&'a self, key: &'a Labels, values: &'a [f64]) -> impl Iterator<Item = (Labels, f64)> + 'a {
        self.functions.iter().map(move |f| (key.with(METRIC_NAME, &self.series_name(*f)), f.of(values)))
    }
}

impl Function {
    /// Of at least one value.
    fn of(self, values: &[f64]) -> f64 {
        match self {
            Function::Sum => values.iter().sum(),
            Function::Avg => values.iter().sum::<f64>() / values.len() as f64,
            Function::Min => values.iter().copied().fold(f64::NAN, f64::min),
            Function::Max => values.iter().copied().fold(f64::NAN, f64::max),
            Function::Count => values.len() as f64,
            Function::Quantile(phi) => quantile(phi, values),
        }
    }
}

fn quantile(phi: f64, values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = phi.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
    low + (high - low) * rank.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_compute_what_they_say() {
        let values = [4.0, 1.0, 3.0, 2.0];
        let all = [Function::Sum, Function::Avg, Function::Min, Function::Max, Function::Count];
        assert_eq!(all.map(|f| f.of(&values)), [10.0, 2.5, 1.0, 4.0, 4.0]);
        assert_eq!(Function::Quantile(0.5).of(&values), 2.5);
        assert_eq!(Function::Quantile(1.0).of(&values), 4.0);
        assert_eq!(Function::Quantile(0.9).of(&[7.0]), 7.0);
    }
}
