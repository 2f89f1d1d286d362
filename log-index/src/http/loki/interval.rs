//! The parameter `interval`: lines with at least so much time between them.

use logql::{Direction, StreamAnswer};

use super::request::Wishes;

/// Takes out lines that follow the last kept one too closely, over all streams, and those beyond the limit.
pub(super) fn thinned(streams: &mut Vec<StreamAnswer>, wishes: &Wishes) {
    if wishes.interval_ns <= 0 {
        return;
    }
    let times = streams.iter().flat_map(|stream| stream.entries.iter().map(|e| e.timestamp_ns));
    let kept = spaced(times.collect(), wishes);
    let mut all = kept.into_iter();
    for stream in &mut *streams {
        stream.entries.retain(|_| all.next().unwrap_or(false));
    }
    streams.retain(|stream| !stream.entries.is_empty());
}

/// For each of `times` whether it stays.
fn spaced(times: Vec<i64>, wishes: &Wishes) -> Vec<bool> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|&i| times[i]);
    if wishes.direction == Direction::Backward {
        order.reverse();
    }
    let (mut kept, mut last, mut count) = (vec![false; times.len()], None, 0);
    for i in order {
        let far = last.is_none_or(|last: i64| last.abs_diff(times[i]) >= wishes.interval_ns.unsigned_abs());
        if far && count < wishes.limit {
            (kept[i], last, count) = (true, Some(times[i]), count + 1);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;
    use crate::http::{limits::Limits, params::Params};

    fn kept(query: &str, times: [i64; 5]) -> [bool; 5] {
        let wishes = Wishes::of(&Params::of(query), &HeaderMap::new(), &Limits::default()).unwrap();
        spaced(times.map(|s| s * 1_000_000_000).into(), &wishes).try_into().unwrap()
    }

    #[test]
    fn lines_keep_their_distance_in_the_direction_of_the_query() {
        let times = [1, 5, 2, 3, 4];
        assert_eq!(kept("interval=2s&direction=forward", times), [true, true, false, true, false]);
        assert_eq!(kept("interval=3&direction=forward", times), [true, false, false, false, true]);
        assert_eq!(kept("interval=3&direction=backward", times), [false, true, true, false, false]);
        assert_eq!(kept("interval=2s&limit=1", times), [false, true, false, false, false]);
    }
}
