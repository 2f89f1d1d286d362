//! Where the kernel's files are: under `/`, or under where a container has mounted the host's.

use std::path::PathBuf;

/// Roots for all collectors.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Of the file systems.
    pub root: PathBuf,
    /// Usually `/proc`.
    pub procfs: PathBuf,
}

impl Paths {
    /// The text of a file under `/proc`; `None` if this kernel has none.
    pub fn proc(&self, name: &str) -> Option<String> {
        let bytes = std::fs::read(self.procfs.join(name)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The text of a file under `/sys`.
    pub fn sys(&self, name: &str) -> Option<String> {
        Some(std::fs::read_to_string(self.root.join("sys").join(name)).ok()?.trim().to_owned())
    }
}
