//! What a log finds in its directory at start, and what it leaves there of itself besides the segments.

use super::batch::Header;
use super::compaction;
use super::segment::{Check, Segment};
use super::{Error, Log};
use std::io;
use std::path::{Path, PathBuf};

const START_FILE: &str = "log-start-offset";

impl Log {
    /// Opens the segments and learns from them of the producers.
    pub(super) fn recover_segments(&mut self) -> Result<(), Error> {
        let files = segment_files(&self.dir)?;
        let count = files.len();
        for (at, (base_offset, path)) in files.into_iter().enumerate() {
            let active = at + 1 == count;
            let check = if active { Check::Everything } else { Check::Headers };
            let producers = &mut self.producers;
            let mut visit = |header: &Header, marker| match marker {
                Some(kind) => producers.record_marker(header, kind),
                None => producers.record(header),
            };
            let mut segment =
                Segment::recover(path.clone(), base_offset, check, &mut visit).map_err(Error::io(path))?;
            if !active {
                segment.seal();
            }
            self.segments.push(segment);
        }
        Ok(())
    }
}

/// The segments by offset.
fn segment_files(dir: &Path) -> Result<Vec<(i64, PathBuf)>, Error> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::io(dir))? {
        let path = entry.map_err(Error::io(dir))?.path();
        if compaction::is_left_over(&path) {
            std::fs::remove_file(&path).map_err(Error::io(&path))?;
        }
        let base = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".log")?.parse().ok());
        files.extend(base.map(|base: i64| (base, path)));
    }
    files.sort();
    Ok(files)
}

/// First offset that can be read, where it is not that of the first segment.
pub fn read_start(dir: &Path) -> Result<i64, Error> {
    let path = dir.join(START_FILE);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other.map_err(Error::io(&path))?,
    };
    text.trim().parse().map_err(|_| Error::Damaged { path, reason: "no offset in it".to_owned() })
}

/// Notes the first offset that can be read.
pub fn write_start(dir: &Path, offset: i64) -> io::Result<()> {
    let new = dir.join("log-start-offset.new");
    std::fs::write(&new, offset.to_string())?;
    std::fs::rename(new, dir.join(START_FILE))
}
