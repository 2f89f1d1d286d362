//! One document for each stream in each segment.

use tantivy::{
    TantivyDocument, Term,
    schema::{FAST, Field, INDEXED, STORED, Schema},
};

use crate::segment::StreamMeta;

/// Ends the name in a label term: no UTF-8 text has this byte, so that a term is read in one way only.
pub const SEPARATOR: u8 = 0xff;

/// Names of the fast fields.
pub const SEGMENT: &str = "segment";
pub const KIND: &str = "kind";
pub const MIN: &str = "min";
pub const MAX: &str = "max";
pub const FINGERPRINT: &str = "fingerprint";

#[derive(Clone, Copy)]
pub struct Fields {
    /// A term for each label: name, [`SEPARATOR`], value.
    pub label: Field,
    segment: Field,
    kind: Field,
    min: Field,
    max: Field,
    fingerprint: Field,
    /// The whole [`StreamMeta`].
    pub stream: Field,
}

pub fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let fields = Fields {
        label: builder.add_bytes_field("label", INDEXED),
        segment: builder.add_u64_field(SEGMENT, INDEXED | FAST),
        kind: builder.add_u64_field(KIND, FAST),
        min: builder.add_i64_field(MIN, FAST),
        max: builder.add_i64_field(MAX, FAST),
        fingerprint: builder.add_u64_field(FINGERPRINT, FAST),
        stream: builder.add_bytes_field("stream", STORED),
    };
    (builder.build(), fields)
}

impl Fields {
    pub fn document(&self, segment: u64, stream: &StreamMeta) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        for (name, value) in stream.labels.iter() {
            document.add_bytes(self.label, &label_term(name, value));
        }
        let (min, max) = stream.span();
        document.add_u64(self.segment, segment);
        document.add_u64(self.kind, stream.kind as u64);
        document.add_i64(self.min, min);
        document.add_i64(self.max, max);
        document.add_u64(self.fingerprint, stream.labels.fingerprint());
        let mut bytes = Vec::new();
        stream.encode(&mut bytes);
        document.add_bytes(self.stream, &bytes);
        document
    }

    /// Finds the documents of one segment.
    pub fn segment_term(&self, segment: u64) -> Term {
        Term::from_field_u64(self.segment, segment)
    }
}

/// Far below the 65,530 bytes from which on tantivy leaves terms out: labels are checked before.
pub fn label_term(name: &str, value: &str) -> Vec<u8> {
    [name.as_bytes(), &[SEPARATOR], value.as_bytes()].concat()
}
