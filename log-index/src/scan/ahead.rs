//! Work on several threads whose results come in the order of what was worked on.

use std::{
    num::NonZero,
    ops::ControlFlow,
    sync::{
        LazyLock,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

/// More do not help a scan: the disk, and what takes the results, have to keep up.
const MOST_THREADS: usize = 4;
/// Looked up once: it reads files of the system.
static THREADS: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS));

/// How many results of a thread may wait: each may hold an opened block.
const AHEAD: usize = 1;

/// Does `work` on each item, and hands the results to `take` until it breaks.
pub fn in_order<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    take: &mut dyn FnMut(R) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let threads = (*THREADS).min(items.len());
    if threads < 2 {
        return items.iter().try_for_each(|item| take(work(item)));
    }
    thread::scope(|scope| {
        let begin = |first: usize| -> Receiver<R> {
            let (sender, receiver) = sync_channel(AHEAD);
            let (work, own) = (&work, items.iter().skip(first).step_by(threads));
            scope.spawn(move || own.map(work).try_for_each(|result| sender.send(result).ok()));
            receiver
        };
        let results: Vec<Receiver<R>> = (0..threads).map(begin).collect();
        // A thread that broke off without a result ends the scope with its panic.
        (0..items.len()).try_for_each(|at| match results[at % threads].recv() {
            Ok(result) => take(result),
            Err(_) => ControlFlow::Break(()),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_until_there_are_enough() {
        let items: Vec<usize> = (0..100).collect();
        let mut taken = Vec::new();
        let flow = in_order(&items, |item| item * 2, &mut |result| {
            taken.push(result);
            if result == 60 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(flow.is_break());
        assert_eq!(taken, (0..=60).step_by(2).collect::<Vec<_>>());
        assert!(in_order(&[0_u8; 0], |_| (), &mut |()| ControlFlow::Break(())).is_continue());
    }
}
