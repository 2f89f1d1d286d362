//! A folder with a file for each object.

use std::{
    fs::{self, File},
    io::{self, BufWriter, ErrorKind, Write},
    os::unix::fs::FileExt,
    path::PathBuf,
};

use super::{ObjectWriter, Room, Storage, StorageError, failed};

/// A folder with a file for each object.
pub struct Directory {
    path: PathBuf,
}

/// What is being written has this at the end of its name.
pub const UNFINISHED: &str = ".tmp";

impl Directory {
    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        Ok(Directory { path })
    }

    fn entries(&self) -> io::Result<Vec<(String, u64)>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), entry.metadata()?.len()))
        };
        fs::read_dir(&self.path)?.map(entry).collect()
    }
}

/// A file that gets its name when it is whole.
struct FileWriter {
    name: String,
    folder: PathBuf,
    file: BufWriter<File>,
}

impl FileWriter {
    fn create(folder: &std::path::Path, name: &str) -> io::Result<Self> {
        let file = BufWriter::new(File::create(folder.join(format!("{name}{UNFINISHED}")))?);
        Ok(FileWriter { name: name.to_owned(), folder: folder.to_owned(), file })
    }

    fn unfinished(&self) -> PathBuf {
        self.folder.join(format!("{}{UNFINISHED}", self.name))
    }

    fn publish(&mut self) -> io::Result<()> {
        self.file.flush()?;
        fault::point("index.storage.after-write");
        self.file.get_ref().sync_all()?;
        fault::point("index.storage.after-fsync");
        fs::rename(self.unfinished(), self.folder.join(&self.name))?;
        fault::point("index.storage.after-rename");
        File::open(&self.folder)?.sync_all()
    }
}

impl Write for FileWriter {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        self.file.write(content)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl ObjectWriter for FileWriter {
    fn finish(mut self: Box<Self>) -> Result<(), StorageError> {
        self.publish().map_err(failed("write", &self.name))
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        // Half a file would take the room that is missing; if this fails, the next start removes it. After
        // `publish` there is none.
        let _ = fs::remove_file(self.unfinished());
    }
}

impl Storage for Directory {
    fn create(&self, name: &str) -> Result<Box<dyn ObjectWriter>, StorageError> {
        let writer = FileWriter::create(&self.path, name).map_err(failed("write", name))?;
        Ok(Box::new(writer))
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

    fn room(&self) -> Option<Room> {
        let disk = rustix::fs::statvfs(&self.path).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Some(Room { total: bytes(disk.f_blocks), available: bytes(disk.f_bavail) })
    }

    fn delete(&self, name: &str) -> Result<(), StorageError> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other.map_err(failed("delete", name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Directory::open(folder.path().join("segments")).unwrap();
        let mut writer = storage.create("a").unwrap();
        writer.write_all(b"0123456789").unwrap();
        assert!(storage.read("a", 0, 1).is_err());
        writer.finish().unwrap();
        storage.create("b").unwrap().write_all(b"given up").unwrap();
        assert_eq!(storage.read("a", 3, 4).unwrap(), b"3456");
        assert!(storage.read("a", 8, 3).is_err() && storage.read("b", 0, 1).is_err());
        let error = storage.create("no/such/folder").err().unwrap();
        assert!(error.to_string().contains("no/such/folder"), "{error}");
        assert_eq!(storage.list().unwrap(), [("a".to_owned(), 10)]);
        storage.delete("a").unwrap();
        storage.delete("a").unwrap();
        assert!(storage.list().unwrap().is_empty());
    }
}
