//! The checkpoint: how far each source has been acknowledged, in one file that is replaced as a whole.

mod positions;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;

use crate::{Error, mark::Mark, telemetry};
pub use positions::{FilePosition, JournalPosition, Positions, SpoolPosition};

/// The live checkpoint: sources register their marks, [`Checkpoint::save`] writes where they stand.
pub struct Checkpoint {
    path: PathBuf,
    live: Mutex<Live>,
    saved: Mutex<Option<Positions>>,
    is_failing: AtomicBool,
}

/// A file, and its mark if it is open.
type KnownFile = (FilePosition, Option<Arc<Mark<u64>>>);

#[derive(Default)]
struct Live {
    files: BTreeMap<String, KnownFile>,
    journal: Option<Arc<Mark<JournalPosition>>>,
    spool: Option<Arc<Mark<SpoolPosition>>>,
    /// As loaded, for sources that do not run now.
    loaded: Positions,
}

impl Checkpoint {
    /// Reads the file in `folder`, if there is one.
    ///
    /// # Errors
    /// When it is damaged or of a later version, or the folder cannot be made.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let at = |source| Error::Data { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(at)?;
        let path = folder.join("positions.json");
        let loaded = match fs::read(&path) {
            Ok(text) => Positions::parse(&path, &text)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Positions::default(),
            Err(source) => return Err(Error::Data { path, source }),
        };
        let files = loaded.files.iter().map(|f| (f.source.clone(), (f.clone(), None))).collect();
        let live = Live { files, loaded, ..Live::default() };
        Ok(Checkpoint {
            path,
            live: Mutex::new(live),
            saved: Mutex::new(None),
            is_failing: AtomicBool::new(false),
        })
    }

    /// As it was when this process started.
    pub fn loaded(&self) -> Positions {
        self.live.lock().loaded.clone()
    }

    /// From now on the file stands where `mark` stands.
    pub fn set_file(&self, position: FilePosition, mark: Option<Arc<Mark<u64>>>) {
        self.live.lock().files.insert(position.source.clone(), (position, mark));
    }

    /// The file is gone, and all of it is acknowledged.
    pub fn forget_file(&self, source: &str) {
        self.live.lock().files.remove(source);
    }

    /// The journal's mark.
    pub fn set_journal(&self, mark: Arc<Mark<JournalPosition>>) {
        self.live.lock().journal = Some(mark);
    }

    /// The disk queue's mark.
    pub fn set_spool(&self, mark: Arc<Mark<SpoolPosition>>) {
        self.live.lock().spool = Some(mark);
    }

    /// The first position that may be given out: above all that ever were, and not below `now_us`.
    pub fn first_position(&self, source: &str, now_us: u64) -> u64 {
        let last = self.live.lock().loaded.counters.get(source).copied();
        last.map_or(now_us, |last| now_us.max(last + 1))
    }

    /// Files that were there at this time are known.
    pub fn set_looked(&self, at: SystemTime) {
        let since_1970 = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.live.lock().loaded.looked_ms = u64::try_from(since_1970.as_millis()).ok();
    }

    /// The last position that was given out.
    pub fn set_counter(&self, source: &str, position: u64) {
        self.live.lock().loaded.counters.insert(source.to_owned(), position);
    }

    /// Where everything stands now.
    pub fn positions(&self) -> Positions {
        let live = self.live.lock();
        let file = |(position, mark): &KnownFile| {
            let offset = mark.as_ref().map_or(position.offset, |m| m.reached());
            FilePosition { offset, ..position.clone() }
        };
        Positions {
            files: live.files.values().map(file).collect(),
            journal: live.journal.as_ref().map_or_else(|| live.loaded.journal.clone(), |m| Some(m.reached())),
            spool: live.spool.as_ref().map_or(live.loaded.spool, |m| Some(m.reached())),
            counters: live.loaded.counters.clone(),
            looked_ms: live.loaded.looked_ms,
        }
    }

    /// Writes the file if anything has changed: to a temporary one first, which then takes its place. A look alone,
    /// which found what was known, is no change.
    ///
    /// # Errors
    /// When it cannot be written; the old one then still stands.
    pub fn save(&self) -> io::Result<()> {
        let mut saved = self.saved.lock();
        let positions = self.positions();
        if saved.as_ref().is_some_and(|saved| positions.stands_where(saved)) {
            return Ok(());
        }
        let text = positions.to_json()?;
        let temporary = self.path.with_extension("json.tmp");
        fault::point("shipper.checkpoint.before-write");
        let mut file = File::create(&temporary)?;
        file.write_all(&text)?;
        fault::point("shipper.checkpoint.after-write");
        file.sync_data()?;
        fault::point("shipper.checkpoint.after-fsync");
        fs::rename(&temporary, &self.path)?;
        fault::point("shipper.checkpoint.after-rename");
        *saved = Some(positions);
        Ok(())
    }

    /// As [`Checkpoint::save`]; a failure is counted, and logged when it is the first in a row.
    pub fn save_or_report(&self) {
        let result = self.save();
        let was_failing = self.is_failing.swap(result.is_err(), Ordering::Relaxed);
        if let Err(error) = result {
            telemetry::CHECKPOINT_ERRORS.inc();
            if !was_failing {
                tracing::warn!(path = %self.path.display(), %error, "cannot save the checkpoint, trying again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{FileKey, Fingerprint};

    fn file() -> FilePosition {
        FilePosition {
            source: "web1/file/803-42-ff.0".into(),
            path: "/var/log/syslog".into(),
            key: FileKey { device: 0x803, inode: 42 },
            birth: 255,
            generation: 0,
            fingerprint: Fingerprint::of(b"Nov 21"),
            offset: 0,
            seen: 1_790_000_000,
        }
    }

    #[test]
    fn saves_the_acknowledged_mark_and_not_what_is_on_its_way() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        let mark = Arc::new(Mark::new(0));
        checkpoint.set_file(file(), Some(mark.clone()));
        let (first, _second) = (mark.begin(100), mark.begin(200));
        mark.finish(first);
        checkpoint.save().unwrap();
        let again = Checkpoint::open(folder.path()).unwrap().loaded();
        assert_eq!(again.files, [FilePosition { offset: 100, ..file() }]);
    }

    #[test]
    fn a_source_that_does_not_run_now_keeps_its_position() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        let journal = JournalPosition { cursor: "s=1".into(), position: 7 };
        checkpoint.set_journal(Arc::new(Mark::new(journal.clone())));
        checkpoint.set_counter("web1/syslog", 9);
        checkpoint.save().unwrap();
        let again = Checkpoint::open(folder.path()).unwrap();
        again.save().unwrap();
        assert_eq!(Checkpoint::open(folder.path()).unwrap().loaded().journal, Some(journal));
        assert_eq!(again.first_position("web1/syslog", 3), 10);
        assert_eq!(again.first_position("web1/syslog", 30), 30);
    }

    #[test]
    fn a_later_version_and_a_damaged_file_are_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("positions.json");
        let error = |text: &str| {
            fs::write(&path, text).unwrap();
            Checkpoint::open(folder.path()).err().unwrap().to_string()
        };
        assert!(error(r#"{"version":2,"files":[]}"#).contains("has version 2"));
        let damaged = error(r#"{"version":1,"files":[{"sou"#);
        assert!(damaged.contains("positions.json is damaged") && damaged.contains("remove it"));
    }
}
