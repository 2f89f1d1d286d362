//! Configuration: YAML in, checked values out, every error with its place.

mod check;
mod diagnostic;
mod load;
mod overrides;
mod secret;
mod units;
pub mod yaml;

pub use check::{Check, Problems};
pub use diagnostic::{Diagnostic, Diagnostics};
pub use load::{nearest, parse};
pub use overrides::parse_with;
pub use secret::Secret;
pub use units::{ByteSize, Duration};
pub use yaml::Source;
