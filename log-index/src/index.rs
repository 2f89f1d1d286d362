//! The index: takes records in, hands out snapshots. How memory becomes segments is in `seal.rs`.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::Path,
    sync::Arc,
    time::Duration,
};

use event::{Decoder, Event, LogBatch};
use parking_lot::{Condvar, Mutex};
use tokio::sync::{broadcast, watch};

use crate::{
    AppendError, Config, OpenError, Snapshot,
    catalog::Catalog,
    ledger::{Alone, Ledger},
    recover::{recover, tidy},
    service_name,
    state::{State, Taken},
    storage::{self, Storage},
    telemetry,
};

/// One store of logs and samples, everything under one folder. Cheap to clone: all clones are the same index.
#[derive(Clone)]
pub struct Index {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub config: Config,
    pub storage: Arc<dyn Storage>,
    pub ledger: Arc<dyn Ledger>,
    /// Taken before `state` by whoever needs both.
    pub catalog: Mutex<Catalog>,
    pub state: Mutex<State>,
    /// Told when a head waits for its segment.
    pub seal_wanted: Condvar,
    /// Told when segments have changed.
    pub merge_wanted: Condvar,
    /// Held by whoever merges.
    pub merging: Mutex<()>,
    /// Segments that could not be read when they were to be merged.
    pub unmergeable: Mutex<BTreeSet<u64>>,
    decoder: Mutex<Decoder>,
    /// Told when a record has been taken in, or has come with a commit of another process.
    pub taken_in: watch::Sender<()>,
    /// Keeps other processes out for as long as it is open.
    _lock: File,
}

impl Index {
    /// Opens the index in `<dir>/index`, making it if it is not there; removes files that no commit knows.
    ///
    /// # Errors
    /// When another process has it open, the folder is not usable, or a later release has written it.
    pub fn open(dir: &Path, config: &Config) -> Result<Index, OpenError> {
        let path = dir.join("index");
        telemetry::register();
        let lock = lock(&path)?;
        let storage = storage::open(&path, config)?;
        let present = storage.list()?;
        let recovered = recover(&path, &storage, &present)?;
        tidy(storage.as_ref(), &present, &recovered.manifest);
        let (catalog, state) = recovered.opened(&path, &storage)?;
        let ledger = Arc::new(Alone(storage.clone()));
        Ok(Self::new(config, storage, ledger, catalog, state, lock))
    }

    pub(crate) fn new(
        config: &Config,
        storage: Arc<dyn Storage>,
        ledger: Arc<dyn Ledger>,
        catalog: Catalog,
        state: State,
        lock: File,
    ) -> Self {
        let inner = Inner {
            config: config.clone(),
            storage,
            ledger,
            catalog: Mutex::new(catalog),
            state: Mutex::new(state),
            seal_wanted: Condvar::new(),
            merge_wanted: Condvar::new(),
            merging: Mutex::default(),
            unmergeable: Mutex::default(),
            decoder: Mutex::default(),
            taken_in: watch::Sender::new(()),
            _lock: lock,
        };
        Index { inner: Arc::new(inner) }
    }

    /// As it was opened with.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Where to read on after a restart: what is below is in segments.
    pub fn offsets(&self) -> bus::Offsets {
        self.inner.state.lock().sealed.manifest.progress.offsets.clone()
    }

    /// What has been taken in, memory included.
    pub fn read_offsets(&self) -> bus::Offsets {
        self.inner.state.lock().progress.offsets.clone()
    }

    /// How often partitions have begun again.
    pub(crate) fn begun(&self) -> bus::Offsets {
        self.inner.state.lock().progress.begun.clone()
    }

    /// See [`State::must_reconnect`].
    pub(crate) fn must_reconnect(&self) -> bool {
        self.inner.state.lock().must_reconnect()
    }

    /// Where to begin to read, from now on by a new connection.
    pub(crate) fn begin_reading(&self) -> bus::Offsets {
        let mut state = self.inner.state.lock();
        if let Some(others) = &mut state.others {
            others.later.clear();
        }
        state.progress.offsets.clone()
    }

    /// Takes one record in: decodes it, drops repetitions and what is older than retention (by the record's own
    /// time, so that a replay gives the same index). Blocks while memory is full and becomes a segment.
    ///
    /// # Errors
    /// When the record is at fault (see [`AppendError::is_fault_of_record`]), or there is no room for it. The
    /// index then stays before it.
    pub fn append(&self, record: &bus::Record) -> Result<(), AppendError> {
        if self.inner.state.lock().has(record) {
            return Ok(());
        }
        let event = self.decode(record)?;
        self.make_room()?;
        self.append_decoded(record, &event);
        Ok(())
    }

    /// Meanwhile the record may have come with a commit of another process.
    pub(crate) fn append_decoded(&self, record: &bus::Record, event: &Event) {
        let mut state = self.inner.state.lock();
        if state.has(record) {
            return;
        }
        self.take_in(&mut state, record, event).count();
        drop(state);
        telemetry::BYTES.inc_by(record.value.len() as u64);
        self.inner.taken_in.send_replace(());
    }

    pub(crate) fn decode(&self, record: &bus::Record) -> Result<Event, AppendError> {
        let mut event = self.inner.decoder.lock().decode(&record.value)?;
        event.check_labels()?;
        if let Event::Logs(batch) = &mut event {
            service_name::add(&mut batch.labels, &self.inner.config.service_name);
        }
        Ok(event)
    }

    pub(crate) fn take_in(&self, state: &mut State, record: &bus::Record, event: &Event) -> Taken {
        state.take_in(record, event, self.inner.config.retention.horizon_ms(record.timestamp_ms))
    }

    /// Whether this process seals, merges and drops segments.
    pub(crate) fn is_owner(&self) -> bool {
        self.inner.ledger.is_owner()
    }

    /// Passes over a record that nobody can read.
    pub fn skip(&self, record: &bus::Record) {
        telemetry::UNREADABLE.inc();
        let mut state = self.inner.state.lock();
        if !state.has(record) {
            state.pass(record);
        }
        drop(state);
        self.inner.taken_in.send_replace(());
    }

    /// Notes that the partition begins again with `record`: nothing that follows has been taken in, wherever it lies.
    pub(crate) fn rewind(&self, record: &bus::Record) {
        self.inner.state.lock().rewind(record);
        self.wake_sealer();
    }

    /// Notes that there is nothing more to take in below `offsets`.
    pub(crate) fn advance(&self, offsets: &bus::Offsets) {
        if self.inner.state.lock().advance(offsets) {
            self.inner.taken_in.send_replace(());
        }
    }

    /// Waits until everything below `target` has been taken in; `false` when `timeout` passes first.
    pub async fn wait_for(&self, target: &bus::Offsets, timeout: Duration) -> bool {
        let mut taken_in = self.inner.taken_in.subscribe();
        let reached = async {
            while !self.inner.state.lock().progress.offsets.reached(target) {
                if taken_in.changed().await.is_err() {
                    break;
                }
            }
        };
        tokio::time::timeout(timeout, reached).await.is_ok()
    }

    /// A consistent view of everything taken in so far: each entry once, wherever it is. Cheap.
    pub fn snapshot(&self) -> Snapshot {
        self.inner.state.lock().snapshot()
    }

    /// A snapshot, and from then on each batch of log entries as it is taken in, without what was dropped from
    /// it: both together have every entry once. A receiver that is slow misses batches, and is told so.
    pub fn follow(&self) -> (Snapshot, broadcast::Receiver<Arc<LogBatch>>) {
        let state = self.inner.state.lock();
        (state.snapshot(), state.followers.subscribe())
    }
}

/// Keeps other processes out of the folder for as long as the file is open.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let folder = OpenError::folder(path);
    fs::create_dir_all(path).map_err(&folder)?;
    let file = File::create(path.join("lock")).map_err(&folder)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::Locked(path.to_owned())),
        Err(fs::TryLockError::Error(source)) => Err(folder(source)),
    }
}
