//! The order of an instant query's answer. A range query's answer is always sorted by labels.

use std::cmp::Ordering;

use super::Custom;
use crate::{
    EvalError,
    eval::{Evaluated, Evaluator, Row, Steps},
    query::expr::Call,
};

/// The function of this name.
pub fn find(name: &str) -> Option<Custom> {
    Some(match name {
        "sort" => |e, call, steps| by_value(e, call, steps, ascending),
        "sort_desc" => |e, call, steps| by_value(e, call, steps, descending),
        "sort_by_label" => |e, call, steps| by_label(e, call, steps, |ordering| ordering),
        "sort_by_label_desc" => |e, call, steps| by_label(e, call, steps, Ordering::reverse),
        _ => return None,
    })
}

/// Smallest first, NaN last.
pub fn ascending(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Greatest first, NaN last.
pub fn descending(a: f64, b: f64) -> Ordering {
    b.partial_cmp(&a).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn by_value(
    evaluator: &Evaluator<'_>,
    call: &Call,
    steps: &Steps,
    order: fn(f64, f64) -> Ordering,
) -> Result<Evaluated, EvalError> {
    let mut rows = evaluator.vector(&call.args[0], steps)?;
    warn_of_range(evaluator, call);
    rows.iter_mut().for_each(|row| row.histograms.clear());
    rows.retain(|row| !row.is_empty());
    let value = |row: &Row| row.points.first().map_or(f64::NAN, |point| point.value);
    rows.sort_by(|a, b| order(value(a), value(b)));
    Ok(Evaluated::Vector(rows))
}

fn by_label(
    evaluator: &Evaluator<'_>,
    call: &Call,
    steps: &Steps,
    direction: fn(Ordering) -> Ordering,
) -> Result<Evaluated, EvalError> {
    let mut rows = evaluator.vector(&call.args[0], steps)?;
    warn_of_range(evaluator, call);
    let names = call.args[1..].iter().map(|arg| evaluator.text(arg)).collect::<Result<Vec<_>, _>>()?;
    rows.sort_by(|a, b| {
        let of = |row: &Row, name: &str| row.labels.get(name).unwrap_or("").to_string();
        let by_names = names.iter().map(|name| natural(&of(a, name), &of(b, name)));
        let first_difference = by_names.into_iter().find(|o| o.is_ne());
        direction(first_difference.unwrap_or_else(|| a.labels.cmp(&b.labels)))
    });
    Ok(Evaluated::Vector(rows))
}

fn warn_of_range(evaluator: &Evaluator<'_>, call: &Call) {
    if evaluator.whole.count() > 1 {
        let message = "sort is ineffective for range queries since results are always ordered by labels";
        evaluator.warn(message, call.place.at);
    }
}

/// As people sort: numbers within the text count as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (part_a, rest_a) = first_part(a);
        let (part_b, rest_b) = first_part(b);
        let as_numbers = part_a.parse::<u128>().ok().zip(part_b.parse::<u128>().ok());
        let order = as_numbers.map_or(Ordering::Equal, |(a, b)| a.cmp(&b)).then_with(|| part_a.cmp(part_b));
        if order.is_ne() || part_a.is_empty() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// The leading run of digits, or of anything else.
fn first_part(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_order_reads_numbers_as_numbers() {
        let mut hosts = ["web10", "web9", "db2", "web", "web9b"];
        hosts.sort_by(|a, b| natural(a, b));
        assert_eq!(hosts, ["db2", "web", "web9", "web9b", "web10"]);
    }

    #[test]
    fn nan_is_last_in_both_directions() {
        assert_eq!(ascending(f64::NAN, 1.0), Ordering::Greater);
        assert_eq!(descending(f64::NAN, 1.0), Ordering::Greater);
    }
}
