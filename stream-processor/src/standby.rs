//! Whoever starts takes the job over, and the one before steps back: as long as the other's commits move on it only
//! watches. Ticks see to it that there is always something to commit.

use std::time::{Duration, Instant};

use bus::{Consumer, ConsumerBuilder, Partition};

use crate::{job::Job, session::Environment};

/// How often the commits are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What a group has committed.
type Commits = Vec<(Partition, i64, String)>;

/// How long the commits of a group have stood still.
struct Stillness {
    commits: Option<Commits>,
    since: Instant,
}

impl Stillness {
    /// `None`: the broker did not answer, so that nobody could have committed.
    fn look(&mut self, commits: Option<Commits>, now: Instant) -> Duration {
        if commits.is_none() || commits != self.commits {
            (self.commits, self.since) = (commits, now);
        }
        now.duration_since(self.since)
    }
}

/// Returns when the job's commits have stood still for `patience`, or at the shutdown.
pub fn wait(environment: &Environment, patience: Duration) {
    let mut stillness = Stillness { commits: None, since: Instant::now() };
    let mut consumer = None;
    while !environment.shutdown.is_cancelled() {
        let commits = commits(environment, &mut consumer);
        if stillness.look(commits.ok(), Instant::now()) >= patience {
            return;
        }
        environment.pause(LOOK);
    }
}

fn commits(environment: &Environment, consumer: &mut Option<Consumer>) -> Result<Commits, bus::Error> {
    let consumer = match consumer {
        Some(consumer) => consumer,
        None => consumer.insert(open(environment)?),
    };
    consumer.committed()
}

fn open(environment: &Environment) -> Result<Consumer, bus::Error> {
    let job = environment.job(environment.rules.program(environment.shard));
    let topics = job.topics();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    Consumer::open(&ConsumerBuilder {
        config: &environment.bus,
        group: job.group(),
        topics: &topics,
        queue_kib: 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commits_that_are_seen_and_stand_still_count() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let upto = |next| Some(vec![(("metrics".to_owned(), 0), next, String::new())]);
        let mut stillness = Stillness { commits: None, since: start };
        assert_eq!(stillness.look(upto(1), at(10)), Duration::ZERO);
        assert_eq!(stillness.look(upto(1), at(15)), Duration::from_secs(5));
        assert_eq!(stillness.look(upto(2), at(20)), Duration::ZERO);
        assert_eq!(stillness.look(None, at(50)), Duration::ZERO);
        assert_eq!(stillness.look(upto(2), at(90)), Duration::ZERO);
        assert_eq!(stillness.look(upto(2), at(93)), Duration::from_secs(3));
    }
}
