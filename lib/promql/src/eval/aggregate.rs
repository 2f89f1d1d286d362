//! Aggregations. Series that agree in the grouping labels form a group; each group is folded over all steps at
//! once.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};

use event::Labels;

use super::{Datum, Evaluator, Point, Row, Steps, fold::State};
use crate::{
    EvalError,
    functions::{
        sort::{ascending, descending},
        sum::quantile,
    },
    histogram,
    query::expr::{Aggregate, AggregateOp, Expr, Grouping},
};

impl Evaluator<'_> {
    /// The rows of an aggregation.
    pub fn aggregate(&self, aggregate: &Aggregate, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        let param = aggregate.param.as_ref();
        let scalar = || match param {
            Some(param) => self.scalar(param, steps),
            None => Err(EvalError::execution("expected a parameter")),
        };
        match aggregate.op {
            AggregateOp::CountValues => self.count_values(aggregate, steps),
            AggregateOp::Quantile => {
                let quantiles = scalar()?;
                self.check_quantiles(&quantiles, aggregate.place.arg(0));
                self.fold_values(aggregate, steps, |step, values| quantile(quantiles[step], values))
            }
            AggregateOp::LimitK => {
                let limits = scalar()?.into_iter().map(limit).collect::<Result<Vec<_>, _>>()?;
                self.limit_k(aggregate, steps, &limits)
            }
            AggregateOp::TopK | AggregateOp::BottomK => {
                let limits = scalar()?.into_iter().map(limit).collect::<Result<Vec<_>, _>>()?;
                let order = if aggregate.op == AggregateOp::TopK { descending } else { ascending };
                self.pick(aggregate, steps, |step, candidates| first_of(order, limits[step], candidates))
            }
            AggregateOp::LimitRatio => {
                let ratios = scalar()?
                    .into_iter()
                    .map(|r| self.ratio(r, aggregate.place.arg(0)))
                    .collect::<Result<Vec<_>, _>>()?;
                self.limit_ratio(aggregate, steps, &ratios)
            }
            _ => self.fold(aggregate, steps),
        }
    }

    fn groups(&self, aggregate: &Aggregate, steps: &Steps) -> Result<Vec<(Labels, Vec<Row>)>, EvalError> {
        Ok(group(&aggregate.grouping, self.vector(&aggregate.expr, steps)?))
    }

    /// Aggregations that need no more than a running state.
    fn fold(&self, aggregate: &Aggregate, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        let mut results = Vec::new();
        self.charge(steps.count())?;
        let mut states: Vec<Option<State>> = vec![None; steps.count()];
        for (labels, rows) in self.groups(aggregate, steps)? {
            if rows.iter().any(|row| !row.histograms.is_empty()) {
                results.push(self.fold_histograms(aggregate, labels, &rows));
                continue;
            }
            let drops_name = rows.iter().any(|row| row.drops_name);
            let (mut first, mut end) = (states.len(), 0);
            for point in rows.iter().flat_map(|row| &row.points) {
                let step = point.step as usize;
                (first, end) = (first.min(step), end.max(step + 1));
                match &mut states[step] {
                    Some(state) => state.add(point.value),
                    empty => *empty = Some(State::new(aggregate.op, point.value)),
                }
            }
            let result = |step: usize| {
                let state = states[step].take()?;
                Some(Point { step: step as u32, value: state.result() })
            };
            let points: Vec<Point> = (first..end).filter_map(result).collect();
            self.charge(points.len())?;
            results.push(Row { drops_name, ..Row::new(labels, points) });
        }
        Ok(results)
    }

    /// Aggregations that need all values of a group and step together.
    fn fold_values(
        &self,
        aggregate: &Aggregate,
        steps: &Steps,
        value: impl Fn(usize, &mut [f64]) -> f64,
    ) -> Result<Vec<Row>, EvalError> {
        let mut results = Vec::new();
        for (labels, rows) in self.groups(aggregate, steps)? {
            self.leave_out_histograms(aggregate, &rows);
            let drops_name = rows.iter().any(|row| row.drops_name);
            let point = |(step, points): (usize, Vec<Candidate>)| {
                let mut values: Vec<f64> = points.into_iter().map(|(_, value)| value).collect();
                Point { step: step as u32, value: value(step, &mut values) }
            };
            let points = by_step(&rows, steps).map(point).collect();
            results.push(Row { drops_name, ..Row::new(labels, points) });
        }
        Ok(results)
    }

    /// Aggregations whose result is some of their input. `choose` puts the values of a step that are to stay in
    /// their order and drops the others.
    fn pick(
        &self,
        aggregate: &Aggregate,
        steps: &Steps,
        choose: impl Fn(usize, &mut Vec<Candidate>),
    ) -> Result<Vec<Row>, EvalError> {
        let mut results = Vec::new();
        for (_, rows) in self.groups(aggregate, steps)? {
            self.leave_out_histograms(aggregate, &rows);
            let mut picked: Vec<Vec<Point>> = vec![Vec::new(); rows.len()];
            let mut order: Vec<usize> = Vec::new();
            for (step, mut candidates) in by_step(&rows, steps) {
                choose(step, &mut candidates);
                for (row, value) in candidates {
                    if picked[row].is_empty() {
                        order.push(row);
                    }
                    picked[row].push(Point { step: step as u32, value });
                }
            }
            for row in order {
                let points = std::mem::take(&mut picked[row]);
                let (labels, drops_name) = (rows[row].labels.clone(), rows[row].drops_name);
                results.push(Row { drops_name, ..Row::new(labels, points) });
            }
        }
        Ok(results)
    }

    fn count_values(&self, aggregate: &Aggregate, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        let name = self.text(aggregate.param.as_ref().unwrap_or(&Expr::String(String::new())))?;
        if name.is_empty() {
            return Err(EvalError::execution(format!("invalid label name {name:?}")));
        }
        let mut counts: BTreeMap<Labels, BTreeMap<u32, f64>> = BTreeMap::new();
        for row in self.vector(&aggregate.expr, steps)? {
            let key = aggregate.grouping.key(&row.labels);
            for (step, datum) in row.data() {
                let of_value = counts.entry(key.with(&name, &text_of(&datum))).or_default();
                *of_value.entry(step).or_default() += 1.0;
            }
        }
        let row = |(labels, steps): (Labels, BTreeMap<u32, f64>)| {
            Row::new(labels, steps.into_iter().map(|(step, value)| Point { step, value }).collect())
        };
        Ok(counts.into_iter().map(row).collect())
    }

    fn limit_ratio(
        &self,
        aggregate: &Aggregate,
        steps: &Steps,
        ratios: &[f64],
    ) -> Result<Vec<Row>, EvalError> {
        let mut rows = self.vector(&aggregate.expr, steps)?;
        for row in &mut rows {
            let place = row.labels.fingerprint() as f64 / u64::MAX as f64;
            let chosen = |ratio: f64| if ratio >= 0.0 { place < ratio } else { place >= 1.0 + ratio };
            row.retain_steps(|step| chosen(ratios[step as usize]));
        }
        rows.retain(|row| !row.is_empty());
        Ok(rows)
    }

    /// The first series of each group.
    fn limit_k(&self, aggregate: &Aggregate, steps: &Steps, limits: &[usize]) -> Result<Vec<Row>, EvalError> {
        let mut results = Vec::new();
        for (_, rows) in self.groups(aggregate, steps)? {
            let mut taken = vec![0; steps.count()];
            for mut row in rows {
                row.retain_steps(|step| taken[step as usize] < limits[step as usize]);
                row.steps().for_each(|step| taken[step as usize] += 1);
                results.push(row);
            }
        }
        results.retain(|row| !row.is_empty());
        Ok(results)
    }

    fn ratio(&self, ratio: f64, at: usize) -> Result<f64, EvalError> {
        if ratio.is_nan() {
            return Err(EvalError::execution("Ratio value is NaN"));
        }
        let within = ratio.clamp(-1.0, 1.0);
        if within != ratio {
            let shown = format_value(ratio);
            let message = format!("ratio value should be between -1 and 1, got {shown}, capping to {within}");
            self.warn(message, at);
        }
        Ok(within)
    }

    /// Warns of quantiles outside of 0 to 1.
    pub fn check_quantiles(&self, quantiles: &[f64], at: usize) {
        for quantile in quantiles.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
            let shown = format_value(*quantile);
            self.warn(format_args!("quantile value should be between 0 and 1, got {shown}"), at);
        }
    }
}

/// In the order in which they first occur.
fn group(grouping: &Grouping, rows: Vec<Row>) -> Vec<(Labels, Vec<Row>)> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<(Labels, Vec<Row>)> = Vec::new();
    for row in rows.into_iter().filter(|row| !row.is_empty()) {
        let key = grouping.key(&row.labels);
        match places.get(&key) {
            Some(&place) => groups[place].1.push(row),
            None => {
                places.insert(key.clone(), groups.len());
                groups.push((key, vec![row]));
            }
        }
    }
    groups
}

/// A value at one step, with the index of its row.
type Candidate = (usize, f64);

/// Each step that has values, with these in the order of the rows.
fn by_step(rows: &[Row], steps: &Steps) -> impl Iterator<Item = (usize, Vec<Candidate>)> {
    let mut counts = vec![0; steps.count()];
    rows.iter().flat_map(|row| &row.points).for_each(|point| counts[point.step as usize] += 1);
    let mut of_steps: Vec<Vec<Candidate>> = counts.into_iter().map(Vec::with_capacity).collect();
    for (at, row) in rows.iter().enumerate() {
        row.points.iter().for_each(|point| of_steps[point.step as usize].push((at, point.value)));
    }
    of_steps.into_iter().enumerate().filter(|(_, candidates)| !candidates.is_empty())
}

fn limit(value: f64) -> Result<usize, EvalError> {
    if value.is_nan() {
        return Err(EvalError::execution("Parameter value is NaN"));
    }
    if value.abs() >= i64::MAX as f64 {
        let text = format_value(value);
        return Err(EvalError::Execution(format!("Scalar value {text} overflows int64")));
    }
    Ok(value.max(0.0) as usize)
}

/// Leaves the first `limit` values; NaN is never among the greatest or smallest if there are others, and of equal ones
/// that of the first row comes first.
fn first_of(order: fn(f64, f64) -> Ordering, limit: usize, candidates: &mut Vec<Candidate>) {
    let by_value = |a: &Candidate, b: &Candidate| order(a.1, b.1).then(a.0.cmp(&b.0));
    if limit < candidates.len() {
        candidates.select_nth_unstable_by(limit, by_value);
        candidates.truncate(limit);
    }
    candidates.sort_unstable_by(by_value);
}

fn text_of(datum: &Datum) -> String {
    match datum {
        Datum::Number(value) => format_value(*value),
        Datum::Histogram(histogram) => histogram::text(histogram),
    }
}

/// A number as Prometheus writes it into labels and messages: without exponent.
pub fn format_value(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".into(),
        f64::NEG_INFINITY => "-Inf".into(),
        _ => value.to_string(),
    }
}

#[test]
fn the_first_ones_are_those_of_a_stable_sort_whatever_is_equal_or_no_number() {
    let rows = |list: &[Candidate]| list.iter().map(|(row, _)| *row).collect::<Vec<_>>();
    for number in 0..3_usize.pow(5) {
        let value = |row: u32| [1.0, 2.0, f64::NAN][number / 3_usize.pow(row) % 3];
        let all: Vec<Candidate> = (0..5).map(|row| (row as usize, value(row))).collect();
        for (limit, order) in
            (0..7).flat_map(|limit| [(limit, ascending as fn(f64, f64) -> _), (limit, descending)])
        {
            let (mut found, mut sorted) = (all.clone(), all.clone());
            first_of(order, limit, &mut found);
            sorted.sort_by(|a, b| order(a.1, b.1));
            sorted.truncate(limit);
            assert_eq!(rows(&found), rows(&sorted));
        }
    }
}
