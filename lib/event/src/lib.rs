//! The events that travel through Tailrace, and their wire forms. Everything else builds on these types;
//! this crate knows nothing of brokers, queries or storage.
//!
//! Units, here and everywhere: log time is nanoseconds since 1970 (`i64`), sample time milliseconds (`i64`).

pub mod alert;
pub mod batch;
mod compact;
pub mod escape;
pub mod evidence;
pub mod histogram;
mod json;
pub mod labels;
pub mod matcher;
pub mod proto;
pub mod protobuf;
pub mod re2;
pub mod tenant;
pub mod wire;

pub use alert::{Alert, AlertState};
pub use batch::{Event, LogBatch, LogEntry, MetricFamily, Sample, SampleBatch, Series, Tick};
pub use evidence::{Evidence, EvidenceLine, EvidenceSample};
pub use histogram::{Bucket, Histogram, HistogramSample, HistogramSeries, ResetHint};
pub use labels::{Labels, LabelsTooLong, METRIC_NAME, widest_label};
pub use matcher::{MatchOp, Matcher};
pub use tenant::{DEFAULT_TENANT, TENANT_HEADER, TENANT_LABEL, TenantError, tenants};
pub use wire::{Codec, DecodeError, Decoder, decode, encode};
