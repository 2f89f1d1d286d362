//! Sorts lines into patterns.

use std::collections::HashMap;

use crate::{
    Pattern, VALUE,
    pattern::matches,
    tokens::{masked_first, tokens},
};

/// How lines are sorted.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Lines are counted in steps of so many nanoseconds; at least 1.
    pub step_ns: i64,
    /// The share of tokens that a line must have in common with a pattern to belong to it.
    pub likeness: f64,
    /// Most patterns; lines that would need another one share the pattern `<_>`.
    pub max_patterns: usize,
    /// Patterns that are there from the beginning and never change.
    pub pinned: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { step_ns: 1_000_000_000, likeness: 0.5, max_patterns: 300, pinned: Vec::new() }
    }
}

/// Patterns of the lines so far.
#[derive(Clone, Debug)]
pub struct Miner {
    settings: Settings,
    pinned: Vec<(String, Pattern)>,
    patterns: Vec<Pattern>,
    /// Patterns by their number of tokens and their first one.
    by_begin: HashMap<(usize, String), Vec<usize>>,
    others: Pattern,
}

impl Miner {
    /// Without any lines.
    pub fn new(settings: Settings) -> Self {
        let pin = |text: &String| (text.clone(), Pattern::new(vec![text.clone()]));
        Miner {
            pinned: settings.pinned.iter().map(pin).collect(),
            settings,
            patterns: Vec::new(),
            by_begin: HashMap::new(),
            others: Pattern::new(vec![VALUE.to_owned()]),
        }
    }

    /// Takes `count` lines of one form at `time_ns`: one of them, or a template whose values are `<_>`.
    pub fn feed(&mut self, line: &str, count: u64, time_ns: i64) {
        let step_ns = self.settings.step_ns.max(1);
        self.pattern_of(line).count(count, time_ns, step_ns);
    }

    /// All patterns that have lines: the pinned ones, then those found, in the order of their first lines.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let pinned = self.pinned.iter().map(|(_, pattern)| pattern);
        pinned.chain(&self.patterns).chain([&self.others]).filter(|pattern| !pattern.counts.is_empty())
    }

    fn pattern_of(&mut self, line: &str) -> &mut Pattern {
        if let Some(at) = self.pinned.iter().position(|(text, _)| matches(text, line)) {
            return &mut self.pinned[at].1;
        }
        let tokens = tokens(line);
        let begin = (tokens.len(), masked_first(&tokens));
        let known = self.by_begin.entry(begin).or_default();
        let likest = known
            .iter()
            .map(|at| (*at, self.patterns[*at].likeness(&tokens)))
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        if let Some((at, _)) = likest.filter(|(_, likeness)| *likeness >= self.settings.likeness) {
            self.patterns[at].widen(&tokens);
            return &mut self.patterns[at];
        }
        if self.patterns.len() >= self.settings.max_patterns {
            return &mut self.others;
        }
        known.push(self.patterns.len());
        self.patterns.push(Pattern::new(tokens));
        self.patterns.last_mut().unwrap_or(&mut self.others)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mined(settings: Settings, lines: &[&str]) -> Vec<(String, u64)> {
        let mut miner = Miner::new(settings);
        (0..).zip(lines).for_each(|(time, line)| miner.feed(line, 1, time));
        miner.patterns().map(|pattern| (pattern.text(), pattern.total())).collect()
    }

    #[test]
    fn lines_that_differ_in_values_share_a_pattern() {
        let lines = [
            "user alice logged in after 3 tries",
            "user bob logged in after 1 tries",
            "connection to db lost",
            "level=info user=alice took=5ms",
            "level=info user=bob took=70ms",
        ];
        let expected = [
            ("user <_> logged in after <_> tries".to_owned(), 2),
            ("connection to db lost".to_owned(), 1),
            ("level=info user=<_> took=<_>".to_owned(), 2),
        ];
        assert_eq!(mined(Settings::default(), &lines), expected);
    }

    #[test]
    fn pinned_patterns_come_first_and_stay_as_they_are() {
        let settings = Settings { pinned: vec!["user <_> logged in".into()], ..Settings::default() };
        let found = mined(settings, &["user alice logged in", "user a b logged in", "user x left home"]);
        let expected = [("user <_> logged in".to_owned(), 2), ("user x left home".to_owned(), 1)];
        assert_eq!(found, expected);
    }

    #[test]
    fn counts_are_by_step_with_the_first_and_the_last_time() {
        let mut miner = Miner::new(Settings { step_ns: 10, ..Settings::default() });
        for (time, count) in [(5, 1), (12, 7), (-3, 2), (19, 1)] {
            miner.feed("same line", count, time);
        }
        let pattern = miner.patterns().next().unwrap();
        assert_eq!(pattern.counts.clone().into_iter().collect::<Vec<_>>(), [(-10, 2), (0, 1), (10, 8)]);
        assert_eq!((pattern.first_seen_ns, pattern.last_seen_ns), (-3, 19));
    }

    #[test]
    fn templates_count_like_the_lines_they_stand_for() {
        let mut miner = Miner::new(Settings::default());
        miner.feed("took <_> for <_>", 5, 0);
        miner.feed("took 5ms for 7", 1, 0);
        assert_eq!(
            miner.patterns().map(|p| (p.text(), p.total())).collect::<Vec<_>>(),
            [("took <_> for <_>".into(), 6)]
        );
    }

    proptest! {
        #[test]
        fn patterns_sum_up_to_all_lines_and_match_their_own(
            lines in prop::collection::vec("[ab1=<_>ü ]{0,12}|\\PC{0,20}", 1..40),
            max_patterns in 0_usize..6,
        ) {
            let mut miner = Miner::new(Settings { max_patterns, ..Settings::default() });
            lines.iter().for_each(|line| miner.feed(line, 1, 0));
            let sum: u64 = miner.patterns().map(Pattern::total).sum();
            prop_assert_eq!(sum, lines.len() as u64);
            let texts: Vec<String> = miner.patterns().map(Pattern::text).collect();
            for line in &lines {
                prop_assert!(texts.iter().any(|text| matches(text, line)), "{:?} is in none of {:?}", line, texts);
            }
        }
    }
}
