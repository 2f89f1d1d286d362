//! What can keep the shipper from starting.

use std::{io, net::SocketAddr, path::PathBuf};

use thiserror::Error;

/// Each says where, why, and what to do.
#[derive(Debug, Error)]
pub enum Error {
    /// A setting of the bus.
    #[error(transparent)]
    Bus(#[from] bus::Error),
    /// A file or folder of the shipper's own.
    #[error(
        "{path}: {source}; the shipper keeps its positions there: check `data_dir`, its owner and free space"
    )]
    Data {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The checkpoint is damaged.
    #[error(
        "checkpoint {path} is damaged ({source}); remove it to begin anew (entries sent before are recognised by their positions)"
    )]
    CheckpointDamaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The checkpoint is of a later release.
    #[error(
        "checkpoint {path} has version {found}; this release knows version {known}: run the newer release, or remove the file"
    )]
    CheckpointVersion {
        /// Which file.
        path: PathBuf,
        /// In the file.
        found: u64,
        /// In this code.
        known: u64,
    },
    /// Another process has the port, or it is not ours to take.
    #[error(
        "shipper.syslog.listen: {address}: {source}; stop the program that has it, or choose another with --syslog, for example --syslog 127.0.0.1:0 for a free one, or off"
    )]
    Listen {
        /// `syslog.listen`
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A path in `files` that is no glob.
    #[error("`{pattern}` in `files` is no valid pattern: {reason}; write for example /var/log/*.log")]
    Pattern {
        /// As written.
        pattern: String,
        /// Why.
        reason: String,
    },
}
