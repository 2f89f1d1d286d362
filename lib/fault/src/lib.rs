//! Fault points: named places between two steps that a crash must not come between. A test names one of them in
//! `TAILRACE_FAULT`, and the process ends there as by `kill -9`. Without the feature `enabled` there are none.

#[cfg(feature = "enabled")]
mod armed;
mod points;

pub use points::POINTS;

/// The environment variable that names a point: `NAME`, or `NAME:N` for the N-th time that it is passed.
pub const VARIABLE: &str = "TAILRACE_FAULT";

/// A place at which the process may be told to end. `name` is one of [`POINTS`].
#[inline]
pub fn point(name: &'static str) {
    #[cfg(feature = "enabled")]
    armed::pass(name);
    #[cfg(not(feature = "enabled"))]
    let _ = name;
}
