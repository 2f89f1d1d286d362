//! What one writer has sent.

use crate::verdict::{Fate, Sequence};

/// What one source sends in a round at most: more than this no query answers.
const ROUND_LIMIT: u64 = 4_000;

/// Numbers of one writer, by round and part.
#[derive(Default)]
pub struct Ledger {
    /// The next number.
    next: u64,
    sent: Vec<(u64, Sequence)>,
}

impl Ledger {
    /// Notes that the next number is about to be sent; `None` when the round has enough.
    pub fn take(&mut self, round: u64, part: &str) -> Option<u64> {
        if self.in_round(round).map(|sequence| sequence.count).sum::<u64>() >= ROUND_LIMIT {
            return None;
        }
        let number = self.next;
        self.next += 1;
        match self.sent.last_mut().filter(|(r, last)| *r == round && last.name == part) {
            Some((_, last)) => last.count += 1,
            None => self.sent.push((round, Sequence::taken(part, number, 1))),
        }
        Some(number)
    }

    /// What was sent in a round.
    pub fn in_round(&self, round: u64) -> impl Iterator<Item = &Sequence> {
        // Rounds are in order; the last one is at the end.
        let rest = self.sent.iter().rev().skip_while(move |(r, _)| *r > round);
        rest.take_while(move |(r, _)| *r == round).map(|(_, sequence)| sequence)
    }

    /// Says what became of all that was sent under this name.
    pub fn set_fate(&mut self, part: &str, fate: Fate) {
        self.of(part).for_each(|sequence| sequence.fate = fate);
    }

    /// It is sent once more.
    pub fn send_again(&mut self, part: &str) {
        self.of(part).for_each(|sequence| sequence.copies += 1);
    }

    fn of(&mut self, part: &str) -> impl Iterator<Item = &mut Sequence> {
        self.sent.iter_mut().map(|(_, sequence)| sequence).filter(move |sequence| sequence.name == part)
    }
}
