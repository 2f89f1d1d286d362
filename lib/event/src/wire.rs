//! From events to record values and back. Which of the two forms a record has shows in its first byte, so
//! readers take both, whatever the writers are configured to.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Event,
    compact::{self, KnownLabels},
    json,
    protobuf::Malformed,
};

/// The form that a producer writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// A batch to a record, protobuf: `proto/event.proto`.
    #[default]
    Batch,
    /// An event to a record, JSON: `docs/events.md`.
    Json,
}

/// Why a record cannot be read.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// Written by a later release.
    #[error("record of version {found}; this release reads up to version {known}: upgrade this reader first")]
    UnknownVersion {
        /// In the record.
        found: u32,
        /// In this code.
        known: u32,
    },
    /// Neither of the two forms.
    #[error("record is neither a batch nor JSON: it begins with {0:?}")]
    UnknownForm(Vec<u8>),
    /// Damaged, or not from us.
    #[error("batch cannot be decoded: {0}")]
    Batch(#[from] Malformed),
    /// A batch without content.
    #[error("batch holds neither logs nor samples nor a tick")]
    Empty,
    /// JSON that is damaged.
    #[error("JSON cannot be decoded: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON of another shape.
    #[error("JSON event: {0}")]
    Shape(String),
}

/// The record values for `event`: one in the batch form, one for each entry or sample in JSON.
pub fn encode(event: &Event, codec: Codec) -> Vec<Vec<u8>> {
    match codec {
        Codec::Batch => vec![compact::encode(event)],
        Codec::Json => json::encode(event),
    }
}

/// Reads records one after the other. It remembers the label sets of samples, because most series come again.
#[derive(Debug, Default)]
pub struct Decoder {
    known: KnownLabels,
}

impl Decoder {
    /// For readers that look at no series: their numbers may come without labels, and wrong labels are no error.
    pub fn without_labels() -> Self {
        Decoder { known: KnownLabels::LeftOut }
    }

    /// The event in a record.
    ///
    /// # Errors
    /// When the value is of neither form, damaged, or of a version that this code does not know.
    pub fn decode(&mut self, value: &[u8]) -> Result<Event, DecodeError> {
        match value.first() {
            Some(b'T') => compact::decode(value, &mut self.known),
            Some(b'{') => json::decode(value),
            _ => Err(DecodeError::UnknownForm(value.iter().take(8).copied().collect())),
        }
    }
}

/// Reads a single record.
///
/// # Errors
/// As [`Decoder::decode`].
pub fn decode(value: &[u8]) -> Result<Event, DecodeError> {
    Decoder::default().decode(value)
}
