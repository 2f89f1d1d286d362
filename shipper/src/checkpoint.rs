//! The checkpoint: how far each source has been acknowledged, in one file that is replaced as a whole.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    identity::{FileKey, Fingerprint},
    mark::Mark,
    telemetry,
};

const VERSION: u64 = 1;

/// How far a file has been acknowledged, and how to find it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePosition {
    /// Identity of the source.
    pub source: String,
    /// Under which path it was first seen; its `filename` label.
    pub path: PathBuf,
    /// Device and inode.
    pub key: FileKey,
    /// Time of birth, see [`crate::identity::birth`].
    pub birth: u64,
    /// How often the file has started over.
    pub generation: u32,
    /// Of its first bytes.
    pub fingerprint: Fingerprint,
    /// Acknowledged up to this byte.
    pub offset: u64,
    /// When it was last there, seconds since 1970.
    pub seen: i64,
}

/// How far the journal has been acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalPosition {
    /// systemd's cursor; empty at the beginning.
    pub cursor: String,
    /// Entries counted since the beginning.
    pub position: u64,
}

/// How far the disk queue has been acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpoolPosition {
    /// Number of the segment.
    pub segment: u64,
    /// Byte within it.
    pub offset: u64,
}

/// What is in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    /// Files, by source.
    #[serde(default)]
    pub files: Vec<FilePosition>,
    /// The journal.
    #[serde(default)]
    pub journal: Option<JournalPosition>,
    /// The disk queue.
    #[serde(default)]
    pub spool: Option<SpoolPosition>,
    /// The last positions that were given out to sources that have none of their own.
    #[serde(default)]
    pub counters: BTreeMap<String, u64>,
    /// When files were last looked for before this was written, milliseconds since 1970.
    #[serde(default)]
    pub looked_ms: Option<u64>,
}

impl Positions {
    /// When files were last looked for.
    pub fn looked(&self) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_millis(self.looked_ms?))
    }

    fn stands_where(&self, other: &Positions) -> bool {
        let Positions { files, journal, spool, counters, looked_ms: _ } = self;
        (files, journal, spool, counters) == (&other.files, &other.journal, &other.spool, &other.counters)
    }
}

#[derive(Serialize)]
struct Saved<'a> {
    version: u64,
    #[serde(flatten)]
    positions: &'a Positions,
}

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
            Ok(text) => parse(&path, &text)?,
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
        let text = serde_json::to_vec_pretty(&Saved { version: VERSION, positions: &positions })?;
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

fn parse(path: &Path, text: &[u8]) -> Result<Positions, Error> {
    let damaged = |source| Error::CheckpointDamaged { path: path.to_owned(), source };
    let mut value: serde_json::Value = serde_json::from_slice(text).map_err(damaged)?;
    let version = value.as_object_mut().and_then(|fields| fields.remove("version"));
    match version.and_then(|v| v.as_u64()).unwrap_or_default() {
        VERSION => serde_json::from_value(value).map_err(damaged),
        found => Err(Error::CheckpointVersion { path: path.to_owned(), found, known: VERSION }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
