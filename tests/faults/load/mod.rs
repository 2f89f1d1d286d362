//! What goes in, numbered, for as long as the value lives: lines in files that are rotated, lines over syslog,
//! samples. It goes on in rounds; what was sent in one is known when the next has begun.

mod files;
pub mod samples;
mod syslog;

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

use self::{files::Files, samples::Samples, syslog::Syslog};
use crate::{basics::now_ns, site::Site, verdict::Sequence};

const FILES: usize = 3;
const PAUSE: Duration = Duration::from_millis(20);
/// What one source sends in a round at most: more than this no query answers.
const ROUND_LIMIT: u64 = 4_000;

/// All writers.
pub struct Load {
    round: Arc<AtomicU64>,
    begin: Mutex<Begin>,
    writers: Vec<(String, Arc<Mutex<Ledger>>)>,
    pub samples: Arc<Samples>,
    _tasks: JoinSet<()>,
}

/// What one writer has sent.
#[derive(Default)]
pub struct Ledger {
    /// The next number.
    next: u64,
    sent: Vec<(u64, Sequence)>,
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

impl Ledger {
    /// Notes that the next number is about to be sent; `None` when the round has enough.
    fn take(&mut self, round: u64, name: &str) -> Option<u64> {
        let in_round = self.sent.iter().rev().take_while(|(r, _)| *r == round);
        if in_round.map(|(_, sequence)| sequence.count).sum::<u64>() >= ROUND_LIMIT {
            return None;
        }
        let number = self.next;
        self.next += 1;
        match self.sent.last_mut().filter(|(r, last)| *r == round && last.name == name) {
            Some((_, last)) => last.count += 1,
            None => {
                let (name, may_lack_its_end) = (name.to_owned(), false);
                self.sent.push((round, Sequence { name, first: number, count: 1, may_lack_its_end }));
            }
        }
        Some(number)
    }

    /// Nobody will say how much of what was sent under this name was taken.
    fn lose_sight_of(&mut self, name: &str) {
        let lost = self.sent.iter_mut().filter(|(_, sequence)| sequence.name == name);
        lost.for_each(|(_, sequence)| sequence.may_lack_its_end = true);
    }
}

impl Load {
    /// Starts all writers.
    pub fn start(site: &Site, rng: &mut Rng) -> Load {
        let round = Arc::new(AtomicU64::new(0));
        let (mut writers, mut tasks) = (Vec::new(), JoinSet::new());
        for number in 0..FILES {
            let name = format!("file{number}");
            let ledger = Arc::<Mutex<Ledger>>::default();
            tasks.spawn(Files::new(&site.logs(), &name, ledger.clone()).run(round.clone(), rng.fork()));
            writers.push((name, ledger));
        }
        let ledger = Arc::<Mutex<Ledger>>::default();
        tasks.spawn(Syslog::new(site.syslog(), ledger.clone()).run(round.clone(), rng.fork()));
        writers.push((syslog::NAME.to_owned(), ledger));
        let samples = Arc::new(Samples::new(site.bus()));
        samples.start(&mut tasks);
        let begin = Mutex::new(Begin { at_ns: now_ns(), samples: samples.acknowledged() });
        Load { round, begin, writers, samples, _tasks: tasks }
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

    /// Names of the writers of lines.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.writers.iter().map(|(name, _)| name.as_str())
    }

    /// What a writer has sent in a round.
    pub fn sent(&self, name: &str, round: u64) -> Vec<Sequence> {
        let writer = self.writers.iter().find(|(writer, _)| writer == name);
        let ledger = writer.expect("a writer").1.lock();
        ledger.sent.iter().filter(|(r, _)| *r == round).map(|(_, sequence)| sequence.clone()).collect()
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
