//! New labels from old ones.

use event::{Labels, METRIC_NAME};
use regex::Regex;

use super::Custom;
use crate::{
    EvalError,
    eval::{Evaluated, Evaluator, Steps, merge},
    query::expr::Call,
};

/// Nested calls could double a label's value again and again: longer ones are refused.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// The function of this name.
pub fn find(name: &str) -> Option<Custom> {
    Some(match name {
        "label_join" => label_join,
        "label_replace" => label_replace,
        _ => return None,
    })
}

fn texts(evaluator: &Evaluator<'_>, call: &Call) -> Result<Vec<String>, EvalError> {
    call.args[1..].iter().map(|arg| evaluator.text(arg)).collect()
}

fn label_replace(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    let texts = texts(evaluator, call)?;
    let [target, replacement, source, pattern] = &texts[..] else {
        return Err(EvalError::execution("label_replace() takes four strings"));
    };
    let regex = Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| {
        EvalError::Execution(format!("invalid regular expression in label_replace(): {pattern}"))
    })?;
    check_target(target, call)?;
    relabel(evaluator, call, steps, target, |labels| {
        let value = labels.get(source).unwrap_or("");
        let Some(captures) = regex.captures(value) else { return Ok(labels.clone()) };
        check_length(replacement.matches('$').count() * value.len() + replacement.len(), call)?;
        let mut replaced = String::new();
        captures.expand(replacement, &mut replaced);
        Ok(labels.with(target, &replaced))
    })
}

fn label_join(evaluator: &Evaluator<'_>, call: &Call, steps: &Steps) -> Result<Evaluated, EvalError> {
    let texts = texts(evaluator, call)?;
    let [target, separator, sources @ ..] = &texts[..] else {
        return Err(EvalError::execution("label_join() takes at least two strings"));
    };
    check_target(target, call)?;
    relabel(evaluator, call, steps, target, |labels| {
        let values: Vec<&str> = sources.iter().map(|name| labels.get(name).unwrap_or("")).collect();
        let parts: usize = values.iter().map(|value| value.len() + separator.len()).sum();
        check_length(parts, call)?;
        Ok(labels.with(target, &values.join(separator)))
    })
}

fn check_target(name: &str, call: &Call) -> Result<(), EvalError> {
    match name.is_empty() {
        true => {
            Err(EvalError::Execution(format!("invalid destination label name in {}(): {name:?}", call.name)))
        }
        false => Ok(()),
    }
}

fn check_length(bytes: usize, call: &Call) -> Result<(), EvalError> {
    match bytes > MAX_VALUE_BYTES {
        true => Err(EvalError::Execution(format!(
            "label value in {}() would have more than {MAX_VALUE_BYTES} bytes",
            call.name
        ))),
        false => Ok(()),
    }
}

fn relabel(
    evaluator: &Evaluator<'_>,
    call: &Call,
    steps: &Steps,
    target: &str,
    new: impl Fn(&Labels) -> Result<Labels, EvalError>,
) -> Result<Evaluated, EvalError> {
    let mut rows = evaluator.vector(&call.args[0], steps)?;
    for row in &mut rows {
        row.labels = new(&row.labels)?;
        // A name that is written is meant to stay.
        row.drops_name &= target != METRIC_NAME;
    }
    Ok(Evaluated::Vector(merge(rows)?))
}
