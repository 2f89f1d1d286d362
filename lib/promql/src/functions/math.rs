//! Functions of single values.

use super::Map;

/// The function of this name.
pub fn find(name: &str) -> Option<Map> {
    Some(match name {
        "abs" => |v, _| Some(v.abs()),
        "acos" => |v, _| Some(v.acos()),
        "acosh" => |v, _| Some(v.acosh()),
        "asin" => |v, _| Some(v.asin()),
        "asinh" => |v, _| Some(v.asinh()),
        "atan" => |v, _| Some(v.atan()),
        "atanh" => |v, _| Some(v.atanh()),
        "ceil" => |v, _| Some(v.ceil()),
        "clamp" => |v, limits| clamp(v, limits[0], limits[1]),
        "clamp_max" => |v, limits| Some(minimum(v, limits[0])),
        "clamp_min" => |v, limits| Some(maximum(v, limits[0])),
        "cos" => |v, _| Some(v.cos()),
        "cosh" => |v, _| Some(v.cosh()),
        "deg" => |v, _| Some(v * 180.0 / std::f64::consts::PI),
        "exp" => |v, _| Some(v.exp()),
        "floor" => |v, _| Some(v.floor()),
        "ln" => |v, _| Some(v.ln()),
        "log10" => |v, _| Some(v.log10()),
        "log2" => |v, _| Some(v.log2()),
        "rad" => |v, _| Some(v * std::f64::consts::PI / 180.0),
        "round" => |v, to| Some(round(v, to.first().copied().unwrap_or(1.0))),
        "sgn" => |v, _| Some(sign(v)),
        "sin" => |v, _| Some(v.sin()),
        "sinh" => |v, _| Some(v.sinh()),
        "sqrt" => |v, _| Some(v.sqrt()),
        "tan" => |v, _| Some(v.tan()),
        "tanh" => |v, _| Some(v.tanh()),
        _ => return None,
    })
}

fn clamp(value: f64, low: f64, high: f64) -> Option<f64> {
    if high < low {
        return None;
    }
    Some(maximum(low, minimum(high, value)))
}

/// Rounds to the nearest multiple of `to`, halves up. Dividing by the inverse is exact more often.
fn round(value: f64, to: f64) -> f64 {
    let inverse = 1.0 / to;
    (value * inverse + 0.5).floor() / inverse
}

fn sign(value: f64) -> f64 {
    if value < 0.0 {
        -1.0
    } else if value > 0.0 {
        1.0
    } else {
        value
    }
}

/// The greater one; NaN if one is.
pub fn maximum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// The smaller one; NaN if one is.
pub fn minimum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}
