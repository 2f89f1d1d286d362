//! Lines through the samples of a window, and smoothing.

use event::Sample;

use super::sum::Sum;
use crate::{
    EvalError,
    eval::{Evaluator, OfSamples, OfWindow, OverTime},
    query::expr::Call,
};

/// The function of this name.
pub fn find(name: &str) -> Option<OverTime> {
    let eval: OfSamples = match name {
        "deriv" => |w, _| Some(line(w.samples, w.samples.first()?.timestamp_ms)?.slope),
        "double_exponential_smoothing" => |w, scalars| smooth(w.samples, scalars[0], scalars[1]),
        "predict_linear" => |w, scalars| {
            let line = line(w.samples, w.step_ms)?;
            Some(line.slope * scalars[0] + line.intercept)
        },
        _ => return None,
    };
    let function = OverTime::new(OfWindow::Samples(eval));
    Some(match name {
        "double_exponential_smoothing" => OverTime { check: check_factors, ..function },
        _ => function,
    })
}

fn check_factors(_: &Evaluator<'_>, _: &Call, factors: &[Vec<f64>]) -> Result<(), EvalError> {
    for (factors, (name, symbol)) in factors.iter().zip([("smoothing", "sf"), ("trend", "tf")]) {
        if let Some(factor) = factors.iter().find(|factor| !(**factor > 0.0 && **factor < 1.0)) {
            let message = format!("invalid {name} factor. Expected: 0 < {symbol} < 1, got: {factor:.6}");
            return Err(EvalError::Execution(message));
        }
    }
    Ok(())
}

struct Line {
    /// Per second.
    slope: f64,
    /// At the reference time.
    intercept: f64,
}

/// The line of least squares; time counts from `reference_ms`. `None` for less than two samples.
fn line(samples: &[Sample], reference_ms: i64) -> Option<Line> {
    let [first, _, ..] = samples else { return None };
    if samples.iter().all(|s| s.value == first.value) {
        return Some(match first.value.is_infinite() {
            true => Line { slope: f64::NAN, intercept: f64::NAN },
            false => Line { slope: 0.0, intercept: first.value },
        });
    }
    let [mut xs, mut ys, mut products, mut squares] = [Sum::default(); 4];
    for sample in samples {
        let x = (sample.timestamp_ms - reference_ms) as f64 / 1000.0;
        xs.add(x);
        ys.add(sample.value);
        products.add(x * sample.value);
        squares.add(x * x);
    }
    let count = samples.len() as f64;
    let [xs, ys, products, squares] = [xs, ys, products, squares].map(|sum| sum.raw_total());
    let covariance = products - xs * ys / count;
    let variance = squares - xs * xs / count;
    let slope = covariance / variance;
    Some(Line { slope, intercept: ys / count - slope * xs / count })
}

/// Holt's linear method.
fn smooth(samples: &[Sample], smoothing: f64, trend: f64) -> Option<f64> {
    let [first, second, ..] = samples else { return None };
    let (mut before, mut level, mut slope) = (0.0, first.value, second.value - first.value);
    for (at, sample) in samples.iter().enumerate().skip(1) {
        // The first step keeps the slope of the first two samples.
        if at > 1 {
            slope = trend * (level - before) + (1.0 - trend) * slope;
        }
        let next = smoothing * sample.value + (1.0 - smoothing) * (level + slope);
        (before, level) = (level, next);
    }
    Some(level)
}
