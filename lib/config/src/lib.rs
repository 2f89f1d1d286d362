//! Configuration: YAML in, checked values out, every error with its place.

mod secret;
mod units;

pub use secret::Secret;
pub use units::{ByteSize, Duration};
