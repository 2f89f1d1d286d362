//! What is in the data: labels worth a look, fields in the lines, and their values.

mod fields;
mod labels;

pub(super) use fields::{fields, values};
pub(super) use labels::labels;
