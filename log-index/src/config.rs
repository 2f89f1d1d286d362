//! The `index:` section of the configuration.

use config::{ByteSize, Duration};
use serde::Deserialize;

use crate::Retention;

/// How much is kept, and when it leaves memory.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long entries and samples stay.
    pub retention: Retention,
    /// Bytes of lines, metadata and samples in memory from which on they are sealed into a segment.
    pub segment_bytes: ByteSize,
    /// Age from which on what is in memory is sealed, however little it is.
    pub flush_after: Duration,
    /// Bytes that merged segments have at most.
    pub merged_bytes: ByteSize,
    /// Zstandard's level for blocks, 1 to 19.
    pub compression_level: i32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            retention: Retention::default(),
            segment_bytes: ByteSize(32 << 20),
            flush_after: Duration::from_secs(600),
            merged_bytes: ByteSize(512 << 20),
            // Level 3 takes a third more time for lines that are hardly smaller.
            compression_level: 1,
        }
    }
}
