//! Numbers.

use std::sync::Arc;

use gotmpl::{FuncMap, Value};

use super::{Args, Outcome, failed, float, int, text};
use crate::units::{parse_bytes, parse_go_duration};

pub fn add(functions: &mut FuncMap) {
    let mut one = |name: &str, f: fn(Args<'_>) -> Outcome| {
        functions.insert(name.into(), Arc::new(f));
    };
    one("add", |args| fold_int(args, |a, b| Some(a.wrapping_add(b))));
    one("sub", |args| fold_int(args, |a, b| Some(a.wrapping_sub(b))));
    one("mul", |args| fold_int(args, |a, b| Some(a.wrapping_mul(b))));
    one("div", |args| fold_int(args, i64::checked_div));
    one("mod", |args| fold_int(args, i64::checked_rem));
    one("max", |args| fold_int(args, |a, b| Some(a.max(b))));
    one("min", |args| fold_int(args, |a, b| Some(a.min(b))));
    one("addf", |args| fold_float(args, |a, b| a + b));
    one("subf", |args| fold_float(args, |a, b| a - b));
    one("mulf", |args| fold_float(args, |a, b| a * b));
    one("divf", |args| fold_float(args, |a, b| a / b));
    one("maxf", |args| fold_float(args, f64::max));
    one("minf", |args| fold_float(args, f64::min));
    one("ceil", |args| Ok(Value::Float(float(args, 0)?.ceil())));
    one("floor", |args| Ok(Value::Float(float(args, 0)?.floor())));
    one("round", round);
    one("int", |args| Ok(Value::Int(int(args, 0)?)));
    one("float64", |args| Ok(Value::Float(float(args, 0)?)));
    one("bytes", |args| parse_bytes(&text(args, 0)?).map(|bytes| Value::Float(bytes as f64)).map_err(failed));
    one("duration", seconds);
    one("duration_seconds", seconds);
}

fn seconds(args: Args<'_>) -> Outcome {
    parse_go_duration(&text(args, 0)?).map(|ns| Value::Float(ns as f64 / 1e9)).map_err(failed)
}

fn fold_int(args: Args<'_>, op: impl Fn(i64, i64) -> Option<i64>) -> Outcome {
    let mut result = int(args, 0)?;
    for at in 1..args.len() {
        result = op(result, int(args, at)?).ok_or_else(|| failed("integer divide by zero"))?;
    }
    Ok(Value::Int(result))
}

fn fold_float(args: Args<'_>, op: impl Fn(f64, f64) -> f64) -> Outcome {
    let mut result = float(args, 0)?;
    for at in 1..args.len() {
        result = op(result, float(args, at)?);
    }
    Ok(Value::Float(result))
}

/// `round 3.14159 2`
fn round(args: Args<'_>) -> Outcome {
    let factor = 10_f64.powi(int(args, 1)?.clamp(-300, 300) as i32);
    Ok(Value::Float((float(args, 0)? * factor).round() / factor))
}
