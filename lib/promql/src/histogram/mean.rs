//! Means of histograms: sum over count, or a running mean from where on the sum would overflow.

use event::Histogram;

use super::{HistogramSum, Incompatible, Notes, divided};

pub struct HistogramMean {
    sum: HistogramSum,
    count: f64,
    /// Whether `sum` is the mean already.
    running: bool,
}

impl HistogramMean {
    /// Of one histogram.
    pub fn new(first: &Histogram) -> Self {
        HistogramMean { sum: HistogramSum::new(first), count: 1.0, running: false }
    }

    /// One more.
    pub fn add(&mut self, other: &Histogram) -> Result<Notes, Incompatible> {
        let before = self.count;
        self.count += 1.0;
        if !self.running {
            let mut sum = self.sum.clone();
            let notes = sum.add(other, 1.0)?;
            if !overflows(&sum.total()) {
                self.sum = sum;
                return Ok(notes);
            }
            self.running = true;
            self.sum.scale(1.0 / before);
        }
        self.sum.scale(before / self.count);
        self.sum.add(&divided(other, self.count), 1.0)
    }

    /// The mean.
    pub fn value(&self) -> Histogram {
        let total = self.sum.total();
        if self.running { total } else { divided(&total, self.count) }
    }
}

fn overflows(histogram: &Histogram) -> bool {
    let buckets = histogram.positive.iter().chain(&histogram.negative).map(|bucket| bucket.count);
    [histogram.zero_count, histogram.count, histogram.sum].into_iter().chain(buckets).any(f64::is_infinite)
}
