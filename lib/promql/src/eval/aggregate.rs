//! Aggregations. Series that agree in the grouping labels form a group; each group is folded over all steps at
//! once.

use std::collections::HashMap;

use event::Labels;

use super::{Evaluator, Point, Row, Steps, merge};
use crate::{
    EvalError,
    functions::{
        sort::{ascending, descending},
        sum::{Mean, Sum, Variance, quantile},
    },
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
            AggregateOp::TopK | AggregateOp::BottomK | AggregateOp::LimitK => {
                let limits = scalar()?.into_iter().map(limit).collect::<Result<Vec<_>, _>>()?;
                self.pick(aggregate, steps, |step, points| first_of(aggregate.op, limits[step], points))
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
            results.push(Row { labels, points });
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
            let point = |points: &[(usize, Point)]| {
                let step = points[0].1.step;
                let mut values: Vec<f64> = points.iter().map(|(_, point)| point.value).collect();
                Point { step, value: value(step as usize, &mut values) }
            };
            let points = by_step(&rows).chunk_by(|a, b| a.1.step == b.1.step).map(point).collect();
            results.push(Row { labels, points });
        }
        Ok(results)
    }

    /// Aggregations whose result is some of their input. `choose` puts the points of a step that are to stay in
    /// their order and drops the others.
    fn pick(
        &self,
        aggregate: &Aggregate,
        steps: &Steps,
        choose: impl Fn(usize, &mut Vec<(usize, Point)>),
    ) -> Result<Vec<Row>, EvalError> {
        let mut results = Vec::new();
        for (_, rows) in self.groups(aggregate, steps)? {
            let mut picked: Vec<Vec<Point>> = vec![Vec::new(); rows.len()];
            let mut order: Vec<usize> = Vec::new();
            for points in by_step(&rows).chunk_by(|a, b| a.1.step == b.1.step) {
                let mut points = points.to_vec();
                choose(points[0].1.step as usize, &mut points);
                for (row, point) in points {
                    if picked[row].is_empty() {
                        order.push(row);
                    }
                    picked[row].push(point);
                }
            }
            for row in order {
                let points = std::mem::take(&mut picked[row]);
                results.push(Row { labels: rows[row].labels.clone(), points });
            }
        }
        Ok(results)
    }

    fn count_values(&self, aggregate: &Aggregate, steps: &Steps) -> Result<Vec<Row>, EvalError> {
        let name = self.text(aggregate.param.as_ref().unwrap_or(&Expr::String(String::new())))?;
        if name.is_empty() {
            return Err(EvalError::execution(format!("invalid label name {name:?}")));
        }
        let mut results = Vec::new();
        for (labels, rows) in self.groups(aggregate, steps)? {
            let mut counts: HashMap<String, HashMap<u32, f64>> = HashMap::new();
            for point in rows.iter().flat_map(|row| &row.points) {
                let of_value = counts.entry(format_value(point.value)).or_default();
                *of_value.entry(point.step).or_default() += 1.0;
            }
            for (value, steps) in counts {
                let mut points: Vec<Point> =
                    steps.into_iter().map(|(step, value)| Point { step, value }).collect();
                points.sort_by_key(|point| point.step);
                results.push(Row { labels: labels.with(&name, &value), points });
            }
        }
        results.sort_by(|a, b| a.labels.cmp(&b.labels));
        merge(results)
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
            row.points.retain(|point| chosen(ratios[point.step as usize]));
        }
        rows.retain(|row| !row.points.is_empty());
        Ok(rows)
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
    for row in rows.into_iter().filter(|row| !row.points.is_empty()) {
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

/// All points with the index of their row, by step and then by row.
fn by_step(rows: &[Row]) -> Vec<(usize, Point)> {
    let all = rows.iter().enumerate();
    let mut points: Vec<(usize, Point)> =
        all.flat_map(|(at, row)| row.points.iter().map(move |point| (at, *point))).collect();
    points.sort_by_key(|(_, point)| point.step);
    points
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

/// Leaves the first `limit` points; NaN is never among the greatest or smallest if there are others.
fn first_of(op: AggregateOp, limit: usize, points: &mut Vec<(usize, Point)>) {
    match op {
        AggregateOp::TopK => points.sort_by(|(_, a), (_, b)| descending(a.value, b.value)),
        AggregateOp::BottomK => points.sort_by(|(_, a), (_, b)| ascending(a.value, b.value)),
        _ => {}
    }
    points.truncate(limit);
}

/// A number as Prometheus writes it into labels and messages: without exponent.
pub fn format_value(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".into(),
        f64::NEG_INFINITY => "-Inf".into(),
        _ => value.to_string(),
    }
}

/// What is known of a group at one step so far.
#[derive(Clone, Copy)]
enum State {
    Sum(Sum),
    Avg(Mean),
    Min(f64),
    Max(f64),
    Count(f64),
    Group,
    Stddev(Variance),
    Stdvar(Variance),
}

impl State {
    fn new(op: AggregateOp, value: f64) -> Self {
        match op {
            AggregateOp::Sum => State::Sum(Sum::new(value)),
            AggregateOp::Avg => State::Avg(Mean::new(value)),
            AggregateOp::Min => State::Min(value),
            AggregateOp::Max => State::Max(value),
            AggregateOp::Count => State::Count(1.0),
            AggregateOp::Stddev => State::Stddev(Variance::new(value)),
            AggregateOp::Stdvar => State::Stdvar(Variance::new(value)),
            _ => State::Group,
        }
    }

    fn add(&mut self, value: f64) {
        match self {
            State::Sum(sum) => sum.add(value),
            State::Avg(mean) => mean.add(value),
            State::Min(min) if value < *min || min.is_nan() => *min = value,
            State::Max(max) if value > *max || max.is_nan() => *max = value,
            State::Count(count) => *count += 1.0,
            State::Stddev(variance) | State::Stdvar(variance) => variance.add(value),
            State::Min(_) | State::Max(_) | State::Group => {}
        }
    }

    fn result(&self) -> f64 {
        match self {
            State::Sum(sum) => sum.total(),
            State::Avg(mean) => mean.value(),
            State::Min(value) | State::Max(value) | State::Count(value) => *value,
            State::Group => 1.0,
            State::Stddev(variance) => variance.value().sqrt(),
            State::Stdvar(variance) => variance.value(),
        }
    }
}
