//! The greatest or smallest number of a window that slides: looked for among those that have come into it, and among
//! all of them only when the one before has left.

use std::ops::Range;

use event::Sample;

/// Which number is looked for, and what of it is the value.
#[derive(Clone, Copy, Debug)]
pub struct Extreme {
    /// Whether a number is left behind by another one.
    pub is_beaten: fn(f64, f64) -> bool,
    pub value: fn(&Sample) -> f64,
}

impl Extreme {
    /// Of the samples in `window`, which begins and ends no earlier than those before it. Of equal ones it is the first.
    /// NaN is left behind by everything.
    pub fn of(self, samples: &[Sample], window: Range<usize>, last: &mut Last) -> Option<f64> {
        if window.is_empty() {
            return None;
        }
        if last.place < window.start || last.end <= window.start {
            *last = Last { place: window.start, end: window.start + 1 };
        }
        for place in last.end..window.end {
            let best = samples[last.place].value;
            if best.is_nan() || (self.is_beaten)(best, samples[place].value) {
                last.place = place;
            }
        }
        last.end = window.end;
        Some((self.value)(&samples[last.place]))
    }
}

/// What was found in the window before.
#[derive(Clone, Copy, Default)]
pub struct Last {
    place: usize,
    /// Where that window has ended.
    end: usize,
}

#[test]
fn a_window_that_slides_finds_what_each_window_finds_alone() {
    let greatest = Extreme { is_beaten: |a, b| b > a, value: |sample| sample.timestamp_ms as f64 };
    for number in 0..3_usize.pow(6) {
        let value = |at: u32| [1.0, 2.0, f64::NAN][number / 3_usize.pow(at) % 3];
        let sample = |at| Sample { timestamp_ms: i64::from(at), value: value(at) };
        let samples: Vec<Sample> = (0..6).map(sample).collect();
        for width in 0..4 {
            let mut last = Last::default();
            for start in 0..=6 - width {
                let window = start..start + width;
                let alone = greatest.of(&samples, window.clone(), &mut Last::default());
                assert_eq!(greatest.of(&samples, window.clone(), &mut last), alone, "{samples:?} {window:?}");
            }
        }
    }
}
