//! The random choices of a run: printed, so that it can be repeated.

use fastrand::Rng;

/// A seed of the caller's; a new one without it.
const SEED: &str = "TAILRACE_FAULT_SEED";

/// Says again, when the test fails, how to repeat it.
pub struct Seed {
    test: &'static str,
    number: u64,
}

impl Seed {
    /// Takes the seed from the environment, or a new one.
    pub fn new(test: &'static str) -> Seed {
        let given =
            std::env::var(SEED).ok().map(|text| text.parse().expect("TAILRACE_FAULT_SEED is a number"));
        let seed = Seed { test, number: given.unwrap_or_else(|| fastrand::u64(..)) };
        println!("{test}: seed {}", seed.number);
        seed
    }

    /// The choices.
    pub fn rng(&self) -> Rng {
        Rng::with_seed(self.number)
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Seed { test, number } = self;
            eprintln!(
                "repeat it with: {SEED}={number} tests/run faults, or alone: {SEED}={number} cargo test"
            );
            eprintln!("  -p tailrace --features faults,peers --test faults -- --nocapture {test}");
        }
    }
}
