//! Samples: numbers, and native histograms. Sections: times; what is to know of the values; their planes of bytes; the
//! histograms if there are any.

mod decimal;
mod first_form;
mod histograms;
mod times;
mod values;

use std::sync::Arc;

use event::{Histogram, HistogramSample, Sample};
use logql::LineFilter;

use self::values::PLANES;
use super::{Block, Columns, Kind, Rows};
use crate::segment::{Damage, Sections};

const TIMES: usize = 0;
const VALUES: usize = 1;
const FIRST_PLANE: usize = 2;
const HISTOGRAMS: usize = FIRST_PLANE + PLANES;

/// Samples in the order of their arrival (in memory) or of time (in a segment).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleColumns {
    /// Of a histogram: its time and its sum.
    samples: Vec<Sample>,
    /// The rows that are histograms.
    histograms: Vec<(u32, Arc<Histogram>)>,
    histogram_bytes: usize,
}

impl SampleColumns {
    pub fn push(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    pub fn push_histogram(&mut self, timestamp_ms: i64, histogram: &Arc<Histogram>) {
        self.histograms.push((self.samples.len() as u32, histogram.clone()));
        self.histogram_bytes += histograms::weight(histogram);
        self.push(Sample { timestamp_ms, value: histogram.sum });
    }

    /// The histogram of a row, unless it is a number.
    pub fn histogram(&self, row: usize) -> Option<HistogramSample> {
        let at = self.histograms.binary_search_by_key(&(row as u32), |(row, _)| *row).ok()?;
        let histogram = self.histograms[at].1.clone();
        Some(HistogramSample { timestamp_ms: self.samples[row].timestamp_ms, histogram })
    }

    pub fn has_histograms(&self) -> bool {
        !self.histograms.is_empty()
    }

    /// The numbers; of a histogram, its sum.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// What a section is called where people see it.
    pub fn section_name(section: usize) -> String {
        match section {
            TIMES => "timestamps".into(),
            VALUES => "values".into(),
            HISTOGRAMS => "histograms".into(),
            plane => format!("values.plane{}", plane - FIRST_PLANE),
        }
    }

    fn decode(sections: &Sections) -> Result<Vec<Sample>, Damage> {
        let damage = |damaged| sections.damage(damaged);
        if sections.count() < HISTOGRAMS {
            return first_form::decode(&sections.read(0)?).map_err(damage);
        }
        let (times, runs) = times::decode(&sections.read(TIMES)?).map_err(damage)?;
        let mut planes = [const { Vec::new() }; PLANES];
        for (plane, bytes) in planes.iter_mut().enumerate() {
            *bytes = sections.read(FIRST_PLANE + plane)?;
        }
        let values = values::decode(&sections.read(VALUES)?, planes, &runs).map_err(damage)?;
        let sample = |(timestamp_ms, value)| Sample { timestamp_ms, value };
        Ok(times.into_iter().zip(values).map(sample).collect())
    }
}

impl Rows for SampleColumns {
    fn rows(&self) -> usize {
        self.samples.len()
    }

    fn timestamp(&self, row: usize) -> i64 {
        self.samples[row].timestamp_ms
    }

    fn passes(&self, _row: usize, filters: &[LineFilter]) -> Result<bool, Damage> {
        Ok(filters.is_empty())
    }
}

impl Block<SampleColumns> for SampleColumns {
    fn open(sections: Sections) -> Result<Self, Damage> {
        let samples = SampleColumns::decode(&sections)?;
        let mut columns = SampleColumns { samples, ..SampleColumns::default() };
        if sections.count() > HISTOGRAMS {
            let found = histograms::decode(&sections.read(HISTOGRAMS)?, &columns.samples);
            columns.histograms = found.map_err(|damaged| sections.damage(damaged))?;
            columns.histogram_bytes = columns.histograms.iter().map(|(_, h)| histograms::weight(h)).sum();
        }
        Ok(columns)
    }

    fn into_columns(self) -> Result<SampleColumns, Damage> {
        Ok(self)
    }
}

impl Columns for SampleColumns {
    const KIND: Kind = Kind::Metrics;

    type Block = SampleColumns;

    fn with_room(bytes: usize) -> Self {
        SampleColumns { samples: Vec::with_capacity(bytes / size_of::<Sample>()), ..Self::default() }
    }

    fn weight(&self) -> usize {
        self.samples.len() * size_of::<Sample>() + self.histogram_bytes
    }

    fn push_from(&mut self, other: &Self, row: usize) {
        match other.histogram(row) {
            Some(sample) => self.push_histogram(sample.timestamp_ms, &sample.histogram),
            None => self.push(other.samples[row]),
        }
    }

    fn encode(&self) -> Vec<Vec<u8>> {
        let times: Vec<i64> = self.samples.iter().map(|sample| sample.timestamp_ms).collect();
        let values: Vec<f64> = self.samples.iter().map(|sample| sample.value).collect();
        let runs = times::runs(&times);
        let (head, planes) = values::encode(&values, &runs);
        let mut sections = vec![times::encode(&times, &runs), head];
        sections.extend(planes);
        if self.has_histograms() {
            sections.push(histograms::encode(&self.histograms));
        }
        sections
    }
}
