//! Sums that lose little: every result depends on these steps bit by bit, so they follow Prometheus' order of
//! operations exactly.

/// Kahan's summation in Neumaier's form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    sum: f64,
    compensation: f64,
}

impl Sum {
    /// Of one value.
    pub fn new(value: f64) -> Self {
        Sum { sum: value, compensation: 0.0 }
    }

    /// One more value.
    pub fn add(&mut self, value: f64) {
        let total = self.sum + value;
        if total.is_infinite() {
            self.compensation = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.compensation += (self.sum - total) + value;
        } else {
            self.compensation += (value - total) + self.sum;
        }
        self.sum = total;
    }

    /// All that is in another sum.
    pub fn join(&mut self, other: Sum) {
        self.add(other.sum);
        self.add(other.compensation);
    }

    /// The sum with what the additions lost.
    pub fn total(&self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.compensation }
    }

    /// As [`total`](Self::total), also where the sum is infinite.
    pub fn raw_total(&self) -> f64 {
        self.sum + self.compensation
    }

    /// Times a factor.
    pub fn scaled(&self, factor: f64) -> Self {
        Sum { sum: factor * self.sum, compensation: factor * self.compensation }
    }
}

/// The mean: sum over count, or a running mean from where on the sum would overflow.
#[derive(Clone, Copy, Debug)]
pub struct Mean {
    sum: Sum,
    count: f64,
    running: bool,
}

impl Mean {
    /// Of one value.
    pub fn new(value: f64) -> Self {
        Mean { sum: Sum::new(value), count: 1.0, running: false }
    }

    /// One more value.
    pub fn add(&mut self, value: f64) {
        let before = self.count;
        self.count += 1.0;
        if !self.running {
            let mut sum = self.sum;
            sum.add(value);
            if !sum.sum.is_infinite() {
                self.sum = sum;
                return;
            }
            self.running = true;
            self.sum = Sum { sum: self.sum.sum / before, compensation: self.sum.compensation / before };
        }
        self.sum = self.sum.scaled(before / self.count);
        self.sum.add(value / self.count);
    }

    /// The mean.
    pub fn value(&self) -> f64 {
        let Sum { sum, compensation } = self.sum;
        if self.running { sum + compensation } else { sum / self.count + compensation / self.count }
    }
}

/// The population variance by Welford's method.
#[derive(Clone, Copy, Debug)]
pub struct Variance {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Variance {
    /// Of one value.
    pub fn new(value: f64) -> Self {
        let squares = if value.is_finite() { 0.0 } else { f64::NAN };
        Variance { count: 1.0, mean: value, squares }
    }

    /// One more value.
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    /// The variance.
    pub fn value(&self) -> f64 {
        self.squares / self.count
    }
}

/// The `q`-quantile by linear interpolation; sorts `values`, NaN counts as the smallest.
pub fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan())));
    let last = (values.len() - 1) as f64;
    let rank = q * last;
    let lower = rank.floor().max(0.0);
    let upper = (lower + 1.0).min(last);
    let weight = rank - rank.floor();
    values[lower as usize] * (1.0 - weight) + values[upper as usize] * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[f64]) -> f64 {
        let mut sum = Sum::default();
        values.iter().for_each(|v| sum.add(*v));
        sum.total()
    }

    #[test]
    fn sums_keep_what_plain_addition_loses() {
        assert_eq!(sum(&[1.0, 1e100, 1.0, -1e100]), 2.0);
        assert_eq!(sum(&[f64::INFINITY, 1.0]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }

    #[test]
    fn means_survive_an_overflow_of_the_sum() {
        let mut mean = Mean::new(f64::MAX);
        mean.add(f64::MAX);
        assert_eq!(mean.value(), f64::MAX);
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(0.75, &mut [0.0, 1.0, 2.0]), 1.5);
        assert_eq!(quantile(1.1, &mut [1.0]), f64::INFINITY);
        assert!(quantile(0.5, &mut []).is_nan());
    }
}
