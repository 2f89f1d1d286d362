//! The contiguous acknowledged mark: how far everything, without a gap, has been acknowledged.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// One per source. Parts are begun in the order of the source and finished in any order; the mark stands at
/// the end of the last part before the first unfinished one.
#[derive(Debug)]
pub struct Mark<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    reached: T,
    open: VecDeque<(T, bool)>,
    /// Number of the part at the front of `open`.
    first: u64,
}

/// A part that has been begun.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket(u64);

impl<T: Clone> Mark<T> {
    /// Everything up to `start` counts as acknowledged.
    pub fn new(start: T) -> Self {
        Mark(Mutex::new(State { reached: start, open: VecDeque::new(), first: 0 }))
    }

    /// Begins the part that ends at `end`.
    pub fn begin(&self, end: T) -> Ticket {
        let mut state = self.0.lock();
        state.open.push_back((end, false));
        Ticket(state.first + state.open.len() as u64 - 1)
    }

    /// The part is acknowledged.
    pub fn finish(&self, ticket: Ticket) {
        let mut state = self.0.lock();
        let at = usize::try_from(ticket.0.wrapping_sub(state.first)).unwrap_or(usize::MAX);
        if let Some(part) = state.open.get_mut(at) {
            part.1 = true;
        }
        while state.open.front().is_some_and(|(_, done)| *done) {
            if let Some((end, _)) = state.open.pop_front() {
                state.reached = end;
                state.first += 1;
            }
        }
    }

    /// Up to here all is acknowledged.
    pub fn reached(&self) -> T {
        self.0.lock().reached.clone()
    }

    /// Whether nothing is on its way.
    pub fn is_settled(&self) -> bool {
        self.0.lock().open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stops_before_the_first_part_that_is_not_acknowledged() {
        let mark = Mark::new(0_u64);
        let (a, b, c) = (mark.begin(10), mark.begin(20), mark.begin(30));
        mark.finish(b);
        assert_eq!(mark.reached(), 0);
        mark.finish(a);
        assert_eq!(mark.reached(), 20);
        assert!(!mark.is_settled());
        mark.finish(c);
        assert_eq!(mark.reached(), 30);
        assert!(mark.is_settled());
    }

    #[test]
    fn a_part_counts_once_even_if_it_is_finished_twice() {
        let mark = Mark::new(0_u64);
        let (a, _b) = (mark.begin(10), mark.begin(20));
        let again = Ticket(a.0);
        mark.finish(a);
        mark.finish(again);
        assert_eq!(mark.reached(), 10);
    }
}
