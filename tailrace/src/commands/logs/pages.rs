//! The lines of a query, part by part: long spans show their progress, and no answer is too large.

use std::collections::VecDeque;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde_json::Value;

use super::printer::{Line, lines};
use crate::{args::LogsArgs, commands::client};

/// Lines in one answer: what the server gives at most.
const PAGE: usize = 5_000;
/// A span is read in parts of at least an hour, and in so many parts at most.
const PART_NS: i64 = 3_600_000_000_000;
const MAX_PARTS: i64 = 100;

/// What the server has read for a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub lines_read: u64,
    pub bytes_read: u64,
    pub lines_passed: u64,
}

impl Totals {
    /// Of one answer.
    pub fn of(answer: &Value) -> Self {
        let summary = |name: &str| answer["data"]["stats"]["summary"][name].as_u64().unwrap_or(0);
        Totals {
            lines_read: summary("totalLinesProcessed"),
            bytes_read: summary("totalBytesProcessed"),
            lines_passed: summary("totalPostFilterLines"),
        }
    }

    fn add(&mut self, other: Totals) {
        self.lines_read += other.lines_read;
        self.bytes_read += other.bytes_read;
        self.lines_passed += other.lines_passed;
    }
}

/// What is still to be asked.
pub struct Pages<'a> {
    args: &'a LogsArgs,
    query: &'a str,
    /// Beginning and end (which does not belong to it) of each part, nanoseconds since 1970.
    parts: VecDeque<(i64, i64)>,
    left: usize,
    /// Lines at the end of the last page: the next one begins with them.
    overlap: Vec<Line>,
    progress: ProgressBar,
    pub totals: Totals,
}

impl<'a> Pages<'a> {
    /// # Errors
    /// When the span lies outside of the years 1677 to 2262.
    pub fn new(args: &'a LogsArgs, query: &'a str, start: Timestamp, end: Timestamp) -> Result<Self> {
        let (start, end) = (i64::try_from(start.as_nanosecond())?, i64::try_from(end.as_nanosecond())?);
        let mut parts = parts(start, end);
        if !args.forward {
            parts.make_contiguous().reverse();
        }
        let progress = if parts.len() > 1 { bar(parts.len() as u64) } else { ProgressBar::hidden() };
        let (left, overlap, totals) = (args.limit.get(), Vec::new(), Totals::default());
        Ok(Pages { args, query, parts, left, overlap, progress, totals })
    }

    /// The next lines, in the direction of the query; `None` when there are no more.
    pub async fn next(&mut self) -> Result<Option<Vec<Line>>> {
        let Some((start, end)) = self.parts.pop_front().filter(|_| self.left > 0) else {
            self.progress.finish_and_clear();
            return Ok(None);
        };
        let wanted = (self.left + self.overlap.len()).min(PAGE);
        let mut found = self.page(start, end, wanted).await?;
        let is_full = found.len() == wanted;
        let last = found.last().map(|line| line.timestamp_ns);
        let at_end: Vec<Line> =
            found.iter().filter(|line| Some(line.timestamp_ns) == last).cloned().collect();
        found.retain(|line| !self.overlap.contains(line));
        found.truncate(self.left);
        self.left -= found.len();
        match last.filter(|_| is_full) {
            Some(last) => self.go_on_at(last, (start, end), at_end, found.is_empty()),
            None => {
                self.overlap.clear();
                self.progress.inc(1);
            }
        }
        Ok(Some(found))
    }

    /// The page was full: what remains of its part begins with the time at which it ended, or behind it if it
    /// has brought nothing new.
    fn go_on_at(&mut self, last: i64, (start, end): (i64, i64), at_end: Vec<Line>, stuck: bool) {
        let step = i64::from(stuck);
        let rest = if self.args.forward { (last + step, end) } else { (start, last + 1 - step) };
        self.overlap = at_end;
        if rest.0 < rest.1 {
            self.parts.push_front(rest);
        }
    }

    async fn page(&mut self, start: i64, end: i64, limit: usize) -> Result<Vec<Line>> {
        let direction = if self.args.forward { "forward" } else { "backward" };
        let parameters = [
            ("query", self.query.to_owned()),
            ("start", start.to_string()),
            ("end", end.to_string()),
            ("limit", limit.to_string()),
            ("direction", direction.to_owned()),
        ];
        let answer = client::get(&self.args.client, "/loki/api/v1/query_range", &parameters).await?;
        client::print_warnings(&answer);
        self.totals.add(Totals::of(&answer));
        let mut lines = lines(&answer["data"]["result"]);
        lines.sort_by_key(|line| line.timestamp_ns);
        if !self.args.forward {
            lines.reverse();
        }
        Ok(lines)
    }

    /// Prints without the progress bar in between.
    pub fn beside_progress<T>(&self, print: impl FnOnce() -> T) -> T {
        self.progress.suspend(print)
    }
}

fn parts(start: i64, end: i64) -> VecDeque<(i64, i64)> {
    let length = end.saturating_sub(start);
    let part = (length / MAX_PARTS).saturating_add(1).max(PART_NS);
    let begins = std::iter::successors(Some(start), |begin| begin.checked_add(part));
    let parts =
        begins.take_while(|begin| *begin < end).map(|begin| (begin, begin.saturating_add(part).min(end)));
    parts.collect()
}

fn bar(parts: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {percent}% of the span, {elapsed}");
    ProgressBar::new(parts).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_span_without_gaps() {
        assert_eq!(parts(0, 10), [(0, 10)]);
        assert_eq!(parts(5, 5), []);
        for length in [2 * PART_NS + 1, 1_000 * PART_NS, i64::MAX] {
            let parts = parts(0, length);
            assert!(parts.len() as i64 <= MAX_PARTS && parts.len() > 1);
            assert_eq!((parts[0].0, parts[parts.len() - 1].1), (0, length));
            assert!(parts.iter().zip(parts.iter().skip(1)).all(|(one, next)| one.1 == next.0));
        }
    }
}
