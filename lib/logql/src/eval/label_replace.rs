//! `label_replace`: sets a label from the groups of a regular expression over another.

use std::collections::HashMap;

use super::{Evaluation, series::Series};
use crate::{EvalError, LabelSet, ast::LabelReplace};

/// The series under their new labels.
pub fn evaluate(evaluation: &Evaluation<'_>, replace: &LabelReplace) -> Result<Vec<Series>, EvalError> {
    let mut index: HashMap<LabelSet, usize> = HashMap::new();
    let mut results: Vec<Series> = Vec::new();
    for mut series in evaluation.series(&replace.inner)? {
        series.labels = replaced(replace, &series.labels);
        match index.get(&series.labels) {
            Some(at) => merge(&mut results[*at], &series)?,
            None => {
                index.insert(series.labels.clone(), results.len());
                results.push(series);
            }
        }
    }
    Ok(results)
}

fn replaced(replace: &LabelReplace, labels: &LabelSet) -> LabelSet {
    let source = labels.get(&replace.source).unwrap_or("");
    let Some(groups) = replace.regex.captures(source) else { return labels.clone() };
    let mut value = String::new();
    groups.expand(&replace.replacement, &mut value);
    labels.with(&replace.target, &value)
}

fn merge(known: &mut Series, other: &Series) -> Result<(), EvalError> {
    for (known, other) in known.values.iter_mut().zip(&other.values) {
        if known.is_some() && other.is_some() {
            return Err(EvalError::Invalid("label_replace makes two series of the same labels".into()));
        }
        *known = known.or(*other);
    }
    Ok(())
}
