//! Times of samples. Rows of several series follow each other in a block, each series in the order of time: where time
//! does not go on, a new run begins. Series that are scraped together have the same times: such a run is a copy of a
//! part of the last one that is none.

use std::ops::Range;

use crate::{
    codec::{Damaged, Input, put_u64},
    integers::{self, Header, MOST_ROWS},
};

/// Where runs begin and end.
pub fn runs(times: &[i64]) -> Vec<Range<usize>> {
    let breaks = (1..times.len()).filter(|at| times[*at] <= times[*at - 1]);
    let starts: Vec<usize> = (!times.is_empty()).then_some(0).into_iter().chain(breaks).collect();
    let ends = starts.iter().skip(1).copied().chain([times.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

pub fn encode(times: &[i64], runs: &[Range<usize>]) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64(&mut out, runs.len() as u64);
    let mut before: &[i64] = &[];
    for run in runs {
        let run = &times[run.clone()];
        put_u64(&mut out, run.len() as u64);
        match place_in(run, before) {
            Some(place) => put_u64(&mut out, place as u64 + 1),
            None => {
                put_u64(&mut out, 0);
                let mut planes = Vec::new();
                integers::encode(run, &mut planes).put(&mut out);
                out.extend(planes);
                // A copy may be shorter than its origin, which the next one may need whole.
                before = run;
            }
        }
    }
    out
}

/// Where `run` stands in `before`.
fn place_in(run: &[i64], before: &[i64]) -> Option<usize> {
    let place = before.binary_search(run.first()?).ok()?;
    before[place..].starts_with(run).then_some(place)
}

/// The times, and their runs.
pub fn decode(raw: &[u8]) -> Result<(Vec<i64>, Vec<Range<usize>>), Damaged> {
    let mut input = Input(raw);
    let (mut times, mut runs): (Vec<i64>, Vec<Range<usize>>) = (Vec::new(), Vec::new());
    let mut before = 0..0;
    for _ in 0..input.count()? {
        let (start, rows) = (times.len(), usize::try_from(input.u64()?).map_err(|_| Damaged)?);
        if rows > MOST_ROWS - start {
            return Err(Damaged);
        }
        match usize::try_from(input.u64()?).map_err(|_| Damaged)?.checked_sub(1) {
            Some(place) => {
                let begin = place.checked_add(before.start).ok_or(Damaged)?;
                let copied = begin..begin.checked_add(rows).ok_or(Damaged)?;
                if copied.end > before.end {
                    return Err(Damaged);
                }
                times.extend_from_within(copied);
            }
            None => {
                times.extend(Header::read(&mut input)?.decode_from(&mut input, rows)?);
                before = start..times.len();
            }
        }
        runs.push(start..times.len());
    }
    if input.0.is_empty() { Ok((times, runs)) } else { Err(Damaged) }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn round(times: &[i64]) -> (Vec<i64>, usize) {
        let raw = encode(times, &runs(times));
        let (again, found) = decode(&raw).unwrap();
        assert_eq!(found, runs(times));
        for length in 0..raw.len() {
            assert!(decode(&raw[..length]).is_err());
        }
        (again, raw.len())
    }

    #[test]
    fn series_that_are_scraped_together_share_their_times() {
        let scrapes: Vec<i64> = (0..200).map(|n| 1_700_000_000_000 + n * 15_000 + n * n % 7).collect();
        let (alone, one) = round(&scrapes);
        assert_eq!(alone, scrapes);
        let series = [&scrapes[..], &scrapes, &scrapes[..70]].concat();
        let (again, three) = round(&series);
        assert_eq!(again, series);
        assert!(three < one + 10, "{one} bytes for one, {three} for three");
    }

    proptest! {
        #[test]
        fn any_times_come_back(wild in vec(any::<i64>(), 0..20), near in vec(0..9_i64, 0..50)) {
            prop_assert_eq!(round(&wild).0, wild);
            prop_assert_eq!(round(&near).0, near);
        }
    }

    #[test]
    fn runs_that_are_too_long_are_damage() {
        for (rows, place) in [(u64::MAX, 1), (1, 1), (MOST_ROWS as u64 + 1, 0), (1, u64::MAX)] {
            let mut raw = Vec::new();
            [1, rows, place].into_iter().for_each(|number| put_u64(&mut raw, number));
            assert_eq!(decode(&raw), Err(Damaged));
        }
    }
}
