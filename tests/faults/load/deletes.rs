//! Lines that are pushed and deleted again, beside others that stay: what a delete was answered for is gone for ever,
//! and nothing else.

use std::{collections::BTreeSet, time::Duration};

use parking_lot::Mutex;

use super::push::{Client, is_taken};
use crate::{
    answers::Answers,
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

    /// Whether each batch that was dealt with is there as it has to be. No answer is no, and so is one that says that
    /// it may miss the newest batches.
    pub async fn judge(&self, answers: &Answers) -> Result<bool, String> {
        let done: Vec<(i64, u64)> = self.done.lock().iter().rev().take(NEWEST).copied().collect();
        let Some((since, _)) = done.last() else { return Ok(true) };
        let query = format!("{{job=\"{JOB}\"}}");
        let Some(found) = answers.lines(&query, *since).await else { return Ok(false) };
        let lines: BTreeSet<String> = found.lines.into_iter().collect();
        let is_back = |line: &&String| {
            done.iter().any(|(_, batch)| line.starts_with(&format!("batch={batch} doomed ")))
        };
        if let Some(line) = lines.iter().find(is_back) {
            return Err(format!("was deleted, and is there: {line}"));
        }
        let is_kept = |batch: u64| (0..LINES).all(|n| lines.contains(&format!("batch={batch} kept n={n}")));
        match done.iter().find(|(_, batch)| !is_kept(*batch)) {
            Some((_, batch)) if found.is_whole => {
                Err(format!("batch {batch} lacks lines that were not deleted"))
            }
            Some(_) => Ok(false),
            None => Ok(true),
        }
    }
}

fn doomed(batch: u64) -> String {
    format!("{{job=\"{JOB}\"}} |= \"batch={batch} doomed \"")
}
