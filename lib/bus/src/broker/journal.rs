//! A file of small entries, one JSON object per line after its checksum; what the coordinator remembers is the sum
//! of them. An entry is there whole or not at all: a torn last line is cut off at start.

use super::Error;
use super::data_dir::check_version;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
}

/// A file of small entries.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    len: u64,
    flush: bool,
}

impl Journal {
    /// Opens the file and hands all entries to `visit`, in order. With `flush` every append reaches the disk.
    pub fn open<T: for<'de> Deserialize<'de>>(
        path: &Path,
        flush: bool,
        mut visit: impl FnMut(T),
    ) -> Result<Journal, Error> {
        let options = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let file = options.map_err(Error::io(path))?;
        let mut journal = Journal { path: path.to_owned(), file, len: 0, flush };
        let len = journal.replay(&mut visit)?;
        journal.file.set_len(len).map_err(Error::io(path))?;
        journal.len = len;
        if len == 0 {
            journal.append(&Head { version: VERSION }).map_err(Error::io(path))?;
        }
        Ok(journal)
    }

    fn replay<T: for<'de> Deserialize<'de>>(&self, visit: &mut impl FnMut(T)) -> Result<u64, Error> {
        let mut lines = BufReader::new(&self.file);
        let (mut line, mut len) = (Vec::new(), 0);
        while lines.read_until(b'\n', &mut line).map_err(Error::io(&self.path))? > 0 {
            let Some(json) = checked(&line) else { break };
            if len == 0 {
                let head: Head = self.parse(json)?;
                check_version(&self.path, head.version, VERSION)?;
            } else {
                visit(self.parse(json)?);
            }
            len += line.len() as u64;
            line.clear();
        }
        if !line.is_empty() {
            tracing::warn!(path = %self.path.display(), at = len, "cut off the unfinished end of the journal");
        }
        Ok(len)
    }

    fn parse<T: for<'de> Deserialize<'de>>(&self, json: &[u8]) -> Result<T, Error> {
        let damaged =
            |error: serde_json::Error| Error::Damaged { path: self.path.clone(), reason: error.to_string() };
        serde_json::from_slice(json).map_err(damaged)
    }

    /// Adds an entry. After an error the file is as it was before.
    pub fn append(&mut self, entry: &impl Serialize) -> io::Result<()> {
        let line = encode(entry)?;
        fault::point("broker.journal.before-write");
        let written = self.file.write_all_at(&line, self.len);
        fault::point("broker.journal.after-write");
        let written = if self.flush { written.and_then(|()| self.file.sync_data()) } else { written };
        fault::point("broker.journal.after-fsync");
        if written.is_err() {
            self.file.set_len(self.len)?;
        }
        written?;
        self.len += line.len() as u64;
        Ok(())
    }

    /// Size in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Replaces all entries by these, which say the same in fewer words.
    pub fn rewrite<T: Serialize>(&mut self, entries: impl Iterator<Item = T>) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&new)?;
        let mut bytes = encode(&Head { version: VERSION })?;
        for entry in entries {
            bytes.extend(encode(&entry)?);
        }
        file.write_all(&bytes)?;
        file.sync_all()?;
        fault::point("broker.journal.before-rename");
        std::fs::rename(new, &self.path)?;
        fault::point("broker.journal.after-rename");
        (self.file, self.len) = (file, bytes.len() as u64);
        Ok(())
    }

    /// Pushes what was written to the disk.
    pub fn flush(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn encode(entry: &impl Serialize) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(entry)?;
    let mut line = format!("{:08x} ", crc32c::crc32c(&json)).into_bytes();
    line.extend(json);
    line.push(b'\n');
    Ok(line)
}

fn checked(line: &[u8]) -> Option<&[u8]> {
    let (checksum, json) = line.strip_suffix(b"\n")?.split_at_checked(9)?;
    let checksum = std::str::from_utf8(checksum).ok()?.strip_suffix(' ')?;
    (u32::from_str_radix(checksum, 16).ok()? == crc32c::crc32c(json)).then_some(json)
}
