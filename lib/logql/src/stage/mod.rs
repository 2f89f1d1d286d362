//! The stages of a pipeline, one file each.

pub mod line_filter;
