//! Where segments lie: immutable objects under names. A directory today; an object store has the same verbs.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::FileExt,
    path::PathBuf,
};

use thiserror::Error;

/// An object could not be written, read or removed.
#[derive(Debug, Error)]
#[error("{verb} {name}: {source}")]
pub struct StorageError {
    /// What was tried.
    pub verb: &'static str,
    /// The object.
    pub name: String,
    /// What the system says.
    pub source: io::Error,
}

/// A place for immutable objects. All calls block.
pub trait Storage: Send + Sync {
    /// Writes a whole object; when this returns it is there for good, and before that not at all.
    ///
    /// # Errors
    /// When there is no room, or the device fails; nothing is left behind then.
    fn put(&self, name: &str, content: &[u8]) -> Result<(), StorageError>;

    /// `length` bytes from `offset` on.
    ///
    /// # Errors
    /// When the object is not there, or shorter.
    fn read(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StorageError>;

    /// The names and sizes of all objects.
    ///
    /// # Errors
    /// When the place cannot be listed.
    fn list(&self) -> Result<Vec<(String, u64)>, StorageError>;

    /// Removes an object; one that is not there is no error.
    ///
    /// # Errors
    /// When it stays.
    fn delete(&self, name: &str) -> Result<(), StorageError>;
}

/// A folder with a file for each object.
pub struct Directory {
    path: PathBuf,
}

/// What is being written has this at the end of its name.
const UNFINISHED: &str = ".tmp";

impl Directory {
    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        Ok(Directory { path })
    }

    fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let unfinished = self.path.join(format!("{name}{UNFINISHED}"));
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(content)?;
            fault::point("index.storage.after-write");
            file.sync_all()
        });
        fault::point("index.storage.after-fsync");
        let moved = written.and_then(|()| fs::rename(&unfinished, self.path.join(name)));
        if moved.is_err() {
            // Half a file would take the room that is missing; if this fails too, the next start removes it.
            let _ = fs::remove_file(&unfinished);
        }
        moved?;
        fault::point("index.storage.after-rename");
        File::open(&self.path)?.sync_all()
    }

    fn entries(&self) -> io::Result<Vec<(String, u64)>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), entry.metadata()?.len()))
        };
        fs::read_dir(&self.path)?.map(entry).collect()
    }
}

impl Storage for Directory {
    fn put(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        self.write(name, content).map_err(failed("write", name))
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StorageError> {
        let read = || {
            let file = File::open(self.path.join(name))?;
            // A damaged length must not ask for more memory than the file could fill.
            let left = file.metadata()?.len().saturating_sub(offset);
            if left < length as u64 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let mut content = vec![0; length];
            file.read_exact_at(&mut content, offset)?;
            Ok(content)
        };
        read().map_err(failed("read", name))
    }

    fn list(&self) -> Result<Vec<(String, u64)>, StorageError> {
        self.entries().map_err(failed("list", &self.path.to_string_lossy()))
    }

    fn delete(&self, name: &str) -> Result<(), StorageError> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other.map_err(failed("delete", name)),
        }
    }
}

fn failed(verb: &'static str, name: &str) -> impl FnOnce(io::Error) -> StorageError {
    move |source| StorageError { verb, name: name.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Directory::open(folder.path().join("segments")).unwrap();
        storage.put("a", b"0123456789").unwrap();
        assert_eq!(storage.read("a", 3, 4).unwrap(), b"3456");
        assert!(storage.read("a", 8, 3).is_err() && storage.read("b", 0, 1).is_err());
        assert!(storage.put("no/such/folder", b"x").unwrap_err().to_string().contains("no/such/folder"));
        assert_eq!(storage.list().unwrap(), [("a".to_owned(), 10)]);
        storage.delete("a").unwrap();
        storage.delete("a").unwrap();
        assert!(storage.list().unwrap().is_empty());
    }
}
