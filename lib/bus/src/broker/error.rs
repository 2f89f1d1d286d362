//! Why a broker cannot start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a broker cannot start or stop cleanly.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another program listens on the address.
    #[error(
        "{0} is taken by another program; stop that one, or choose another address (port 0 takes a free one)"
    )]
    AddressTaken(SocketAddr),
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Another broker works in the directory.
    #[error("{0} is in use by another broker; stop that one, or choose another data directory")]
    DirectoryLocked(PathBuf),
    /// Written by a version of the broker that this one does not know.
    #[error(
        "{path} has format version {found}, this broker knows version {known}; use the release that wrote it"
    )]
    UnknownVersion {
        /// The file that says so.
        path: PathBuf,
        /// Its version.
        found: String,
        /// Ours.
        known: u32,
    },
    /// A file holds what no broker writes.
    #[error(
        "{path} cannot be read: {reason}; restore the file from a copy, or remove it to lose what it holds"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The address that clients are to use is not `host:port`.
    #[error("cannot advertise {0:?}: write it as host:port")]
    BadAdvertise(String),
    /// The disk says no.
    #[error("{path}: {source}")]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    /// Puts the path to an I/O error.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { path, source }
    }
}
