//! Whether what was found is what was sent: nothing twice, nothing out of order, no gap.

use std::collections::BTreeMap;

/// Numbers that were sent one after the other by one source under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    pub name: String,
    pub first: u64,
    pub count: u64,
    /// The end may be missing: nobody has said that it was taken.
    pub may_lack_its_end: bool,
}

/// Whether everything is there; `Err` says what is wrong and never becomes right.
pub fn judge(found: &[(String, u64)], sent: &[Sequence]) -> Result<bool, String> {
    let mut numbers: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (name, number) in found {
        numbers.entry(name).or_default().push(*number);
    }
    let mut is_complete = true;
    for sequence in sent {
        let found = numbers.remove(sequence.name.as_str()).unwrap_or_default();
        is_complete &= judge_one(&found, sequence)?;
    }
    match numbers.pop_first() {
        Some((name, numbers)) => Err(format!("{name}: never sent, but found: {numbers:?}")),
        None => Ok(is_complete),
    }
}

fn judge_one(found: &[u64], sent: &Sequence) -> Result<bool, String> {
    let wrong = (sent.first..).zip(found).find(|(expected, number)| expected != *number);
    if let Some((expected, number)) = wrong {
        let what = if *number < expected { "doubled or out of order" } else { "a gap" };
        return Err(format!("{}: {what}: {number} stands where {expected} belongs", sent.name));
    }
    let found = found.len() as u64;
    if found > sent.count {
        return Err(format!("{}: {found} found, only {} sent", sent.name, sent.count));
    }
    Ok(found == sent.count || sent.may_lack_its_end)
}

#[test]
fn a_double_a_gap_and_a_stranger_are_seen_and_a_missing_end_is_waited_for() {
    let sequence = |may_lack_its_end| Sequence { name: "a".into(), first: 3, count: 3, may_lack_its_end };
    let judge = |numbers: &[u64], lack| {
        let found: Vec<_> = numbers.iter().map(|n| ("a".to_owned(), *n)).collect();
        judge(&found, &[sequence(lack)])
    };
    assert_eq!(judge(&[3, 4, 5], false), Ok(true));
    assert_eq!((judge(&[3, 4], false), judge(&[3, 4], true)), (Ok(false), Ok(true)));
    assert!(judge(&[3, 3, 4], false).unwrap_err().contains("doubled"));
    assert!(judge(&[3, 5], true).unwrap_err().contains("a gap"));
    assert!(judge(&[3, 4, 5, 6], false).unwrap_err().contains("only 3 sent"));
    assert!(super::verdict::judge(&[("b".into(), 1)], &[]).unwrap_err().contains("never sent"));
}
