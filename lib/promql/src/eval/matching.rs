//! Operators between two vectors. Series whose matching labels agree form a group; groups do not see each other.

use std::collections::HashMap;

use event::Labels;

use super::{Datum, Evaluator, METADATA, Row, binary::drops_name, merge};
use crate::{
    EvalError,
    parse::ast::{BinaryOp, Cardinality},
    query::expr::{Binary, Grouping},
};

/// The series of both sides with the same matching labels.
#[derive(Default)]
struct Group {
    key: Labels,
    left: Vec<Row>,
    right: Vec<Row>,
}

impl Evaluator<'_> {
    /// The rows of `left op right`.
    pub fn match_vectors(
        &self,
        binary: &Binary,
        left: Vec<Row>,
        right: Vec<Row>,
    ) -> Result<Vec<Row>, EvalError> {
        let groups = groups(&binary.matching.labels, left, right);
        // `or` lists what the left side has before what only the right side has.
        let (mut rows, mut others) = (Vec::new(), Vec::new());
        for Group { key, left, right } in groups {
            self.charge(left.iter().chain(&right).map(Row::len).sum())?;
            match binary.op {
                BinaryOp::And => rows.extend(filter(left, &right, true)),
                BinaryOp::Unless => rows.extend(filter(left, &right, false)),
                BinaryOp::Or => {
                    others.extend(filter(right, &left, false));
                    rows.extend(left);
                }
                _ => rows.extend(self.join(binary, key, left, right)?),
            }
        }
        rows.extend(others);
        merge(rows)
    }
}

/// In the order in which they first occur.
fn groups(grouping: &Grouping, left: Vec<Row>, right: Vec<Row>) -> Vec<Group> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut place = |row: &Row, groups: &mut Vec<Group>| {
        let key = grouping.key(&row.labels);
        *places.entry(key.clone()).or_insert_with(|| {
            groups.push(Group { key, ..Group::default() });
            groups.len() - 1
        })
    };
    for row in left {
        let at = place(&row, &mut groups);
        groups[at].left.push(row);
    }
    for row in right {
        let at = place(&row, &mut groups);
        groups[at].right.push(row);
    }
    groups
}

/// The points of `rows` at those steps at which `others` have any, or have none.
fn filter(rows: Vec<Row>, others: &[Row], present: bool) -> impl Iterator<Item = Row> {
    let mut has = vec![false; steps_end(others)];
    others.iter().flat_map(Row::steps).for_each(|step| has[step as usize] = true);
    rows.into_iter().filter_map(move |mut row| {
        row.retain_steps(|step| has.get(step as usize).copied().unwrap_or(false) == present);
        (!row.is_empty()).then_some(row)
    })
}

/// The step behind the last one.
fn steps_end(rows: &[Row]) -> usize {
    rows.iter().flat_map(Row::steps).max().map_or(0, |last| last as usize + 1)
}

impl Evaluator<'_> {
    /// Arithmetic and comparison within one group.
    fn join(
        &self,
        binary: &Binary,
        key: Labels,
        left: Vec<Row>,
        right: Vec<Row>,
    ) -> Result<Vec<Row>, EvalError> {
        // As in Prometheus, `fill_left` stands in for the "many" side of `group_right` too.
        let (many_fill, one_fill) = binary.matching.fill;
        let swapped = binary.matching.cardinality == Cardinality::OneToMany;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let unmatched = (many.is_empty() && many_fill.is_none()) || (one.is_empty() && one_fill.is_none());
        if unmatched {
            return Ok(Vec::new());
        }
        let joiner = Joiner {
            evaluator: self,
            binary,
            key,
            swapped,
            one: &one,
            partners: partners(&one, swapped, binary)?,
        };
        let mut rows = Vec::new();
        for row in &many {
            rows.extend(joiner.row(row, one_fill));
        }
        if let Some(fill) = many_fill {
            rows.extend(joiner.unmatched(&many, fill));
        }
        if binary.matching.cardinality == Cardinality::OneToOne {
            require_one_per_step(&many)?;
            return Ok(rows);
        }
        merge(rows).map_err(|_| {
            EvalError::execution("multiple matches for labels: grouping labels must ensure unique matches")
        })
    }
}

/// For each step, the row of the "one" side that has a value there, and the value.
fn partners(one: &[Row], swapped: bool, binary: &Binary) -> Result<Vec<Option<(usize, Datum)>>, EvalError> {
    let mut partners: Vec<Option<(usize, Datum)>> = vec![None; steps_end(one)];
    for (at, row) in one.iter().enumerate() {
        for (step, datum) in row.data() {
            let slot = &mut partners[step as usize];
            if let Some((other, _)) = slot {
                return Err(many_to_many(&one[*other], row, swapped, binary));
            }
            *slot = Some((at, datum));
        }
    }
    Ok(partners)
}

fn many_to_many(first: &Row, second: &Row, swapped: bool, binary: &Binary) -> EvalError {
    let side = if swapped { "left" } else { "right" };
    let group = binary.matching.labels.key(&first.labels);
    EvalError::Execution(format!(
        "found duplicate series for the match group {group} on the {side} hand-side of the operation: \
         [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
        first.labels, second.labels
    ))
}

fn require_one_per_step(rows: &[Row]) -> Result<(), EvalError> {
    let mut steps: Vec<u32> = rows.iter().flat_map(Row::steps).collect();
    if rows.len() > 1 {
        steps.sort_unstable();
    }
    match steps.windows(2).any(|pair| pair[0] == pair[1]) {
        true => Err(EvalError::execution(
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
        )),
        false => Ok(()),
    }
}

/// Joins the rows of a group's "many" side with their partners.
struct Joiner<'a> {
    evaluator: &'a Evaluator<'a>,
    binary: &'a Binary,
    key: Labels,
    /// Whether "many" is the right side.
    swapped: bool,
    one: &'a [Row],
    partners: Vec<Option<(usize, Datum)>>,
}

impl Joiner<'_> {
    fn value(&self, many: Datum, one: Datum) -> Option<Datum> {
        let (left, right) = if self.swapped { (one, many) } else { (many, one) };
        self.evaluator.combine(self.binary, left.clone(), right, left)
    }

    /// The results of one row; one row for each partner, as labels may come from it.
    fn row(&self, many: &Row, one_fill: Option<f64>) -> Vec<Row> {
        let mut results: Vec<(Option<usize>, Row)> = Vec::new();
        for (step, datum) in many.data() {
            let found = self.partners.get(step as usize).cloned().flatten();
            let filled = one_fill.map(|value| (None, Datum::Number(value)));
            let Some((at, one)) = found.map(|(at, datum)| (Some(at), datum)).or(filled) else { continue };
            let Some(datum) = self.value(datum, one) else { continue };
            match results.iter_mut().find(|(other, _)| *other == at) {
                Some((_, row)) => row.push(step, datum),
                None => {
                    let mut row = self.empty(&many.labels, at.map_or(&self.key, |at| &self.one[at].labels));
                    row.push(step, datum);
                    results.push((at, row));
                }
            }
        }
        results.into_iter().map(|(_, row)| row).collect()
    }

    /// The results of those points of the "one" side for which `many` has nothing.
    fn unmatched(&self, many: &[Row], fill: f64) -> Vec<Row> {
        let has: std::collections::HashSet<u32> = many.iter().flat_map(Row::steps).collect();
        let result = |row: &Row| {
            let mut filled = self.empty(&self.key, &row.labels);
            for (step, datum) in row.data().into_iter().filter(|(step, _)| !has.contains(step)) {
                if let Some(datum) = self.value(Datum::Number(fill), datum) {
                    filled.push(step, datum);
                }
            }
            filled
        };
        self.one.iter().map(result).filter(|row| !row.is_empty()).collect()
    }

    /// A row for the results of two series.
    fn empty(&self, many: &Labels, one: &Labels) -> Row {
        let mut row = Row { labels: self.labels(many, one), ..Row::default() };
        if self.binary.returns_bool {
            self.evaluator.forget_name(&mut row);
        }
        row
    }

    fn labels(&self, many: &Labels, one: &Labels) -> Labels {
        let matching = &self.binary.matching;
        let one_to_one = matching.cardinality == Cardinality::OneToOne;
        let is_kept = |name: &str| match &matching.labels {
            _ if METADATA.contains(&name) && drops_name(self.binary) && !self.binary.returns_bool => false,
            Grouping::Only(names) if one_to_one => names.iter().any(|k| k == name),
            Grouping::Except(names) if one_to_one => !names.iter().any(|k| k == name),
            _ => true,
        };
        let kept = many.filtered(is_kept);
        let include = &matching.include;
        include.iter().fold(kept, |labels, name| labels.with(name, one.get(name).unwrap_or("")))
    }
}
