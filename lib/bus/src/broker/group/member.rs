//! One member of a group, and the answers that it waits for.

use super::messages::{JoinReply, Joining, SyncReply};
use bytes::Bytes;
use kafka_protocol::ResponseError;
use std::hash::{BuildHasher, RandomState};
use std::time::Instant;
use tokio::sync::oneshot;

/// A member of a group.
#[derive(Debug)]
pub struct Member {
    /// How it came.
    pub joining: Joining,
    /// Its part.
    pub assignment: Bytes,
    /// Its last sign of life.
    pub last_seen: Instant,
    join_waits: Option<oneshot::Sender<JoinReply>>,
    sync_waits: Option<oneshot::Sender<SyncReply>>,
}

impl Member {
    /// A member that has just come.
    pub fn new(joining: Joining, now: Instant) -> Member {
        Member { joining, assignment: Bytes::new(), last_seen: now, join_waits: None, sync_waits: None }
    }

    /// What the member says for this way of sharing.
    pub fn protocol_data(&self, protocol: &str) -> Option<&Bytes> {
        self.joining.protocols.iter().find(|(name, _)| name == protocol).map(|(_, data)| data)
    }

    /// Takes the place of a former request to join, if one waits.
    pub fn wait_for_join(&mut self, answer: oneshot::Sender<JoinReply>) {
        self.answer_join(Err(ResponseError::UnknownMemberId));
        self.join_waits = Some(answer);
    }

    /// Takes the place of a former request to sync, if one waits.
    pub fn wait_for_sync(&mut self, answer: oneshot::Sender<SyncReply>) {
        self.sync_waits = Some(answer);
    }

    /// It has joined, and waits for the others.
    pub fn waits_for_join(&self) -> bool {
        self.join_waits.is_some()
    }

    /// It has been silent for longer than it said, and waits for nothing.
    pub fn is_overdue(&self, now: Instant) -> bool {
        let waits = self.join_waits.is_some() || self.sync_waits.is_some();
        !waits && self.last_seen + self.joining.session_timeout <= now
    }

    /// It goes, or another has its place.
    pub fn dismiss(&mut self, error: ResponseError) {
        self.answer_join(Err(error));
        self.answer_sync(Err(error));
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        self.joining.bytes() + self.assignment.len()
    }

    // Whoever asked may be gone; then nobody reads the answer and that is well.
    /// Answers its request to join, if one waits.
    pub fn answer_join(&mut self, reply: JoinReply) {
        if let Some(waits) = self.join_waits.take() {
            let _ = waits.send(reply);
        }
    }

    /// Answers its request to sync, if one waits.
    pub fn answer_sync(&mut self, reply: SyncReply) {
        if let Some(waits) = self.sync_waits.take() {
            let _ = waits.send(reply);
        }
    }
}

/// An id that nobody has.
pub fn new_member_id(client_id: &str) -> String {
    let random = RandomState::new();
    format!("{client_id}-{:016x}{:016x}", random.hash_one(1), random.hash_one(2))
}
