//! Whether what was found is what was sent: nothing twice, nothing out of order, no gap.

use std::collections::BTreeMap;

/// Numbers that were sent one after the other by one source under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    pub name: String,
    pub first: u64,
    pub count: u64,
    pub fate: Fate,
    /// How often each of them may be there: as often as it was sent by who has no identity.
    pub copies: usize,
}

/// What the sender knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// All of it has to be there.
    Taken,
    /// It is still being sent.
    Open,
    /// Nobody will say how much of it was taken: the end may be missing.
    Unknown,
}

impl Sequence {
    /// All of it is taken, and there once.
    pub fn taken(name: impl Into<String>, first: u64, count: u64) -> Sequence {
        Sequence { name: name.into(), first, count, fate: Fate::Taken, copies: 1 }
    }
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
    let runs: Vec<&[u64]> = found.chunk_by(|a, b| a == b).collect();
    if let Some(run) = runs.iter().find(|run| run.len() > sent.copies) {
        return Err(format!("{}: doubled: {} is there {} times", sent.name, run[0], run.len()));
    }
    let wrong = (sent.first..).zip(&runs).find(|(expected, run)| *expected != run[0]);
    if let Some((expected, run)) = wrong {
        let what = if run[0] < expected { "doubled or out of order" } else { "a gap" };
        return Err(format!("{}: {what}: {} stands where {expected} belongs", sent.name, run[0]));
    }
    let found = runs.len() as u64;
    if found > sent.count {
        return Err(format!("{}: {found} found, only {} sent", sent.name, sent.count));
    }
    Ok(match sent.fate {
        Fate::Taken => found == sent.count,
        Fate::Open => false,
        Fate::Unknown => true,
    })
}

/// Whether the numbers ascend, whatever the names: parts that are still missing leave gaps.
pub fn in_order(found: &[(String, u64)]) -> Result<(), String> {
    let wrong = found.windows(2).find(|pair| pair[0].1 > pair[1].1);
    wrong.map_or(Ok(()), |pair| Err(format!("out of order: {:?} stands before {:?}", pair[0], pair[1])))
}

#[test]
fn a_double_a_gap_and_a_stranger_are_seen_and_a_missing_end_is_waited_for() {
    let sequence = |fate| Sequence { fate, ..Sequence::taken("a", 3, 3) };
    let named = |numbers: &[u64]| numbers.iter().map(|n| ("a".to_owned(), *n)).collect::<Vec<_>>();
    let judge = |numbers: &[u64], fate| judge(&named(numbers), &[sequence(fate)]);
    assert_eq!((judge(&[3, 4, 5], Fate::Taken), judge(&[3, 4, 5], Fate::Open)), (Ok(true), Ok(false)));
    assert_eq!((judge(&[3, 4], Fate::Taken), judge(&[3, 4], Fate::Unknown)), (Ok(false), Ok(true)));
    assert!(judge(&[3, 3, 4], Fate::Taken).unwrap_err().contains("doubled"));
    assert!(judge(&[3, 4, 3], Fate::Unknown).unwrap_err().contains("out of order"));
    assert!(judge(&[3, 5], Fate::Unknown).unwrap_err().contains("a gap"));
    assert!(judge(&[3, 4, 5, 6], Fate::Taken).unwrap_err().contains("only 3 sent"));
    assert!(super::verdict::judge(&[("b".into(), 1)], &[]).unwrap_err().contains("never sent"));
    assert_eq!((in_order(&named(&[3, 3, 7])), in_order(&named(&[3, 7, 4])).is_err()), (Ok(()), true));
}

#[test]
fn what_was_sent_twice_may_be_there_twice_but_not_three_times() {
    let sent = [Sequence { copies: 2, ..Sequence::taken("a", 1, 2) }];
    let judge =
        |numbers: &[u64]| judge(&numbers.iter().map(|n| ("a".to_owned(), *n)).collect::<Vec<_>>(), &sent);
    assert_eq!((judge(&[1, 1, 2]), judge(&[1, 2])), (Ok(true), Ok(true)));
    assert!(judge(&[1, 1, 1, 2]).unwrap_err().contains("3 times"));
}
