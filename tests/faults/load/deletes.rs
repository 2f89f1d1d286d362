//! Lines that are pushed and deleted again, beside others that stay: what a delete was answered for is gone for ever,
//! and nothing else.

use std::{collections::BTreeSet, time::Duration};

use parking_lot::Mutex;

use super::push::{Client, is_taken};
use crate::{
    answers::{Answers, Found},
    basics::{client, now_ns},
};

const JOB: &str = "deletes";
const PAUSE: Duration = Duration::from_millis(500);
/// Lines of each kind in a batch.
const LINES: usize = 3;
/// Batches that are looked at: older ones may have left with retention.
const NEWEST: usize = 20;

/// Pushes to the shipper, deletes in the index.
pub struct Deletes {
    index: String,
    shipper: String,
    begun_ns: i64,
    /// Batches of which one half is deleted.
    done: Mutex<Vec<(i64, u64)>>,
}

impl Deletes {
    pub fn new(index: String, shipper: String) -> Deletes {
        Deletes { index, shipper, begun_ns: now_ns(), done: Mutex::default() }
    }

    pub async fn run(&self) {
        let pusher = Client::new(self.shipper.clone());
        for batch in 0_u64.. {
            let at = now_ns();
            let line = |kind: &str, n| (at, format!("batch={batch} {kind} n={n}"));
            let lines: Vec<_> = (0..LINES).flat_map(|n| [line("doomed", n), line("kept", n)]).collect();
            while !pusher.push(JOB, &lines).await {
                tokio::time::sleep(PAUSE).await;
            }
            while !self.delete(batch).await {
                tokio::time::sleep(PAUSE).await;
            }
            self.done.lock().push((at, batch));
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn delete(&self, batch: u64) -> bool {
        let (query, start) = (doomed(batch), self.begun_ns.to_string());
        let request = client().post(format!("{}/loki/api/v1/delete", self.index));
        is_taken(request.query(&[("query", query.as_str()), ("start", &start)])).await
    }

    /// Whether each batch that was dealt with is there as it has to be. No answer is no.
    pub async fn judge(&self, answers: &Answers) -> Result<bool, String> {
        let done: Vec<(i64, u64)> = self.done.lock().iter().rev().take(NEWEST).copied().collect();
        let Some((since, _)) = done.last() else { return Ok(true) };
        let Some(found) = answers.lines(&format!("{{job=\"{JOB}\"}}"), *since).await else {
            return Ok(false);
        };
        let mut batches = done.iter().map(|(_, batch)| judge(&found, *batch));
        batches.try_fold(true, |all, is_there| Ok(all & is_there?))
    }
}

/// Whether of a batch all that was kept is there, and nothing else. What says that it may miss the newest lines may.
fn judge(found: &Found, batch: u64) -> Result<bool, String> {
    let of_batch = found.lines.iter().filter(|line| line.starts_with(&format!("batch={batch} ")));
    // A push without an answer was sent again.
    let (doomed, kept): (BTreeSet<_>, BTreeSet<_>) = of_batch.partition(|line| line.contains(" doomed "));
    match (doomed.first(), kept.len() == LINES) {
        (Some(line), _) => Err(format!("was deleted, and is there: {line}")),
        (None, false) if found.is_whole => {
            Err(format!("batch {batch} lacks lines that were not deleted: {kept:?}"))
        }
        (None, is_there) => Ok(is_there),
    }
}

fn doomed(batch: u64) -> String {
    format!("{{job=\"{JOB}\"}} |= \"batch={batch} doomed \"")
}

#[test]
fn what_is_missing_is_wrong_unless_the_answer_says_so_and_what_is_back_always() {
    let found = |n: usize, kind: &str, is_whole| Found {
        lines: (0..n).map(|n| format!("batch=7 {kind} n={n}")).collect(),
        is_whole,
    };
    assert_eq!(
        (judge(&found(3, "kept", true), 7), judge(&found(2, "kept", false), 7)),
        (Ok(true), Ok(false))
    );
    assert!(judge(&found(2, "kept", true), 7).unwrap_err().contains("lacks"));
    assert!(judge(&found(1, "doomed", false), 7).unwrap_err().contains("was deleted"));
}
