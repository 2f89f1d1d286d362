//! Rules over the past: the engine that works live, fed with history. No clock and no I/O: whoever has the history
//! hands it in, and the same history gives the same outputs.

mod compare;
mod firings;
mod own;
mod store;
mod topics;

use crate::engine::Setup;

use own::Own;

pub use compare::{AlertDifference, Difference, compare};
pub use firings::{Findings, Firing, Firings};
pub use store::StoreReplay;
pub use topics::TopicReplay;

/// History is as large as it is: what is left out would make it another one.
fn unlimited() -> Setup {
    Setup { max_series: usize::MAX, max_lines: usize::MAX, ..Setup::default() }
}
