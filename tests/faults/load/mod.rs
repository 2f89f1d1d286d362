//! What goes in, numbered, for as long as the value lives: lines in files that are rotated, over syslog and by Loki's
//! push API, samples into the topic and by remote write. It goes on in rounds; what was sent in one is known when the
//! next has begun. Beside that goes on what leads past the other fault points: deletes, and topics of the load's own.

mod deletes;
mod files;
mod host;
mod ledger;
mod push;
pub mod samples;
mod syslog;
pub mod target;
mod topics;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use parking_lot::Mutex;
use tokio::task::JoinSet;

use self::{
    deletes::Deletes, files::Files, host::Host, ledger::Ledger, push::Push, samples::Samples, syslog::Syslog,
    topics::Topics,
};
use crate::{basics::now_ns, site::Site, verdict::Sequence};

const FILES: usize = 3;
const PAUSE: Duration = Duration::from_millis(20);

/// All writers.
pub struct Load {
    round: Arc<AtomicU64>,
    begin: Mutex<Begin>,
    writers: Vec<Writer>,
    pub samples: Arc<Samples>,
    pub deletes: Arc<Deletes>,
    pub topics: Arc<Topics>,
    pub host: Host,
    tasks: JoinSet<()>,
}

/// Who writes lines.
pub struct Writer {
    pub name: String,
    /// Each line has a time of its own: all of them are in order, whatever they went through.
    pub is_timed: bool,
    ledger: Arc<Mutex<Ledger>>,
}

/// What a round has begun with.
struct Begin {
    at_ns: i64,
    samples: Vec<u64>,
}

/// What was sent in a round.
pub struct Round {
    pub number: u64,
    /// Nothing of it is older.
    pub begun_ns: i64,
    /// The first number of each lane of samples, and the one behind the last.
    pub samples: Vec<(u64, u64)>,
}

impl Load {
    /// Starts all writers.
    pub async fn start(site: &Site, rng: &mut Rng) -> Load {
        let samples = Arc::new(Samples::new(site.bus(), site.push_url()));
        let begin = Mutex::new(Begin { at_ns: now_ns(), samples: samples.acknowledged() });
        let mut load = Load {
            round: Arc::new(AtomicU64::new(0)),
            begin,
            writers: Vec::new(),
            samples,
            deletes: Arc::new(Deletes::new(site.url(), site.push_url())),
            topics: Arc::new(Topics::create(site.bus(), site.layout).await),
            host: Host::default(),
            tasks: JoinSet::new(),
        };
        load.start_lines(site, rng);
        load.samples.start(&mut load.tasks);
        load.topics.start(&mut load.tasks);
        let deletes = load.deletes.clone();
        load.tasks.spawn(async move { deletes.run().await });
        load
    }

    fn start_lines(&mut self, site: &Site, rng: &mut Rng) {
        let round = self.round.clone();
        for number in 0..FILES {
            let (name, is_timed) = (format!("file{number}"), number > 0);
            let files = Files::new(&site.logs(), &name, is_timed, self.ledger(&name, is_timed));
            self.tasks.spawn(files.run(round.clone(), rng.fork()));
        }
        let syslog = Syslog::new(site.syslog(), self.ledger(syslog::NAME, false));
        self.tasks.spawn(syslog.run(round.clone(), rng.fork()));
        let push = Push::new(site.push_url(), self.ledger(push::NAME, true));
        self.tasks.spawn(push.run(round, rng.fork()));
    }

    /// A new writer's.
    fn ledger(&mut self, name: &str, is_timed: bool) -> Arc<Mutex<Ledger>> {
        let ledger = Arc::<Mutex<Ledger>>::default();
        self.writers.push(Writer { name: name.to_owned(), is_timed, ledger: ledger.clone() });
        ledger
    }

    /// Begins the next round; gives what tells about the one that ends.
    pub fn next_round(&self) -> Round {
        let round = self.this_round();
        let to = round.samples.iter().map(|(_, to)| *to).collect();
        *self.begin.lock() = Begin { at_ns: now_ns(), samples: to };
        self.round.fetch_add(1, Ordering::SeqCst);
        round
    }

    /// The round that goes on, so far.
    pub fn this_round(&self) -> Round {
        let begin = self.begin.lock();
        let samples = begin.samples.iter().copied().zip(self.samples.acknowledged()).collect();
        Round { number: self.round.load(Ordering::SeqCst), begun_ns: begin.at_ns, samples }
    }

    /// Who writes lines.
    pub fn writers(&self) -> &[Writer] {
        &self.writers
    }
}

impl Writer {
    /// What was sent in a round.
    pub fn sent(&self, round: u64) -> Vec<Sequence> {
        self.ledger.lock().in_round(round).cloned().collect()
    }
}

/// A line as it is sent: `file0 round=7 part=0003 n=12`.
fn line(writer: &str, round: u64, part: &str, number: u64) -> String {
    format!("{writer} round={round} part={part} n={number}")
}

/// What a query for the lines of a round has as its filter.
pub fn filter(writer: &str, round: u64) -> String {
    format!("{writer} round={round} ")
}

/// Part and number of a line.
pub fn parse(line: &str) -> (String, u64) {
    let field = |name| line.split(' ').find_map(|word| word.strip_prefix(name));
    let read = || Some((field("part=")?.to_owned(), field("n=")?.parse().ok()?));
    read().unwrap_or_else(|| panic!("not a line of ours: {line:?}"))
}
