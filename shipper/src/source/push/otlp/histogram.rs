//! Exponential histograms as native ones.

use event::{Bucket, Histogram, Sample};
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogramDataPoint, exponential_histogram_data_point::Buckets,
};

use super::super::histogram::MOST_BUCKETS;

/// The width of the bucket around zero if the point does not tell.
const ZERO_THRESHOLD: f64 = 1e-128;
const SCALES: std::ops::RangeInclusive<i32> = -4..=8;

/// # Errors
/// When no native histogram is as coarse.
pub fn native(point: &ExponentialHistogramDataPoint, ended: bool) -> Result<Histogram, String> {
    let schema = point.scale.min(*SCALES.end());
    if schema < *SCALES.start() {
        return Err(format!("scale {schema} is coarser than {}, the coarsest there is", SCALES.start()));
    }
    let coarser = (point.scale - schema).min(63);
    let threshold = if point.zero_threshold > 0.0 { point.zero_threshold } else { ZERO_THRESHOLD };
    let sum = if ended { f64::from_bits(Sample::STALE_BITS) } else { point.sum.unwrap_or(0.0) };
    Ok(Histogram {
        schema,
        zero_threshold: threshold,
        zero_count: point.zero_count as f64,
        count: point.count as f64,
        sum,
        positive: buckets(point.positive.as_ref(), coarser)?,
        negative: buckets(point.negative.as_ref(), coarser)?,
        ..Histogram::default()
    })
}

/// Of 2^`coarser` neighbours each one becomes one bucket. Indexes count upper bounds here, lower bounds there.
fn buckets(sent: Option<&Buckets>, coarser: i32) -> Result<Vec<Bucket>, String> {
    let mut all: Vec<Bucket> = Vec::new();
    let Some(sent) = sent else { return Ok(all) };
    let full = sent.bucket_counts.iter().enumerate().filter(|(_, count)| **count > 0);
    for (at, count) in full {
        let index = ((i64::from(sent.offset) + at as i64) >> coarser) + 1;
        let index = i32::try_from(index).map_err(|_| "a bucket lies too far out".to_owned())?;
        match all.last_mut() {
            Some(last) if last.index == index => last.count += *count as f64,
            _ => all.push(Bucket { index, count: *count as f64 }),
        }
    }
    match all.len() {
        0..=MOST_BUCKETS => Ok(all),
        more => Err(format!("it has {more} buckets; the limit is {MOST_BUCKETS}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(scale: i32, offset: i32, counts: &[u64]) -> ExponentialHistogramDataPoint {
        let positive = Some(Buckets { offset, bucket_counts: counts.to_vec() });
        ExponentialHistogramDataPoint { scale, positive, count: 9, sum: Some(1.5), ..Default::default() }
    }

    #[test]
    fn buckets_keep_their_bounds() {
        let bucket = |index, count| Bucket { index, count };
        let histogram = native(&point(3, -2, &[1, 0, 2]), false).unwrap();
        assert_eq!(histogram.positive, [bucket(-1, 1.0), bucket(1, 2.0)]);
        assert_eq!((histogram.schema, histogram.sum, histogram.zero_threshold), (3, 1.5, 1e-128));
        let coarser = native(&point(10, -5, &[1; 8]), false).unwrap();
        assert_eq!(coarser.positive, [bucket(-1, 1.0), bucket(0, 4.0), bucket(1, 3.0)]);
        assert_eq!(coarser.schema, 8);
    }

    #[test]
    fn what_is_too_coarse_or_too_far_is_an_error() {
        assert!(native(&point(-5, 0, &[1]), false).unwrap_err().contains("scale -5"));
        assert!(native(&point(0, i32::MAX, &[1]), false).unwrap_err().contains("too far"));
        assert!(native(&point(i32::MAX, -1, &[1]), false).is_ok());
        assert!(native(&point(0, 0, &[]), true).unwrap().is_stale());
    }
}
