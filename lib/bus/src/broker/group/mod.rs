//! Consumer groups: who is a member, who gets which partitions. [`Group`](machine::Group) is the protocol as a state
//! machine without clock or sockets; [`Groups`] puts the lock, the clock and the waiting around it.

mod join;
pub mod machine;
pub mod member;
pub mod messages;
mod static_members;
#[cfg(test)]
mod tests;

use kafka_protocol::ResponseError;
use machine::Group;
use messages::{JoinAnswer, Joining, Status, SyncAnswer, Syncing};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::time::Instant;
use tokio::sync::oneshot;

/// All groups with members. What they have committed is in the [`Store`](super::state::Store).
#[derive(Debug)]
pub struct Groups {
    by_id: Mutex<BTreeMap<String, Group>>,
    most: usize,
    most_bytes: usize,
}

impl Groups {
    /// No groups yet; at most `most` of them, with as many members each, and so many bytes in all.
    pub fn new(most: usize, most_bytes: usize) -> Groups {
        Groups { by_id: Mutex::default(), most, most_bytes }
    }

    /// Enters a group; the answer comes when all members have.
    pub async fn join(&self, group: &str, joining: Joining) -> Result<JoinAnswer, ResponseError> {
        let (answer, wait) = oneshot::channel();
        {
            let mut groups = self.by_id.lock();
            if group.is_empty() {
                return Err(ResponseError::InvalidGroupId);
            }
            if !groups.contains_key(group) && groups.len() >= self.most {
                return Err(ResponseError::GroupMaxSizeReached);
            }
            self.check_room(&groups, group.len() + joining.bytes())?;
            let group = groups.entry(group.to_owned()).or_default();
            group.join(joining, answer, self.most, Instant::now());
        }
        wait.await.unwrap_or(Err(ResponseError::UnknownMemberId))
    }

    /// Gets the member's part; the answer comes when the leader has handed all parts in.
    pub async fn sync(&self, group: &str, syncing: Syncing) -> Result<SyncAnswer, ResponseError> {
        let (answer, wait) = oneshot::channel();
        self.check_room(&self.by_id.lock(), syncing.assignments.iter().map(|(_, part)| part.len()).sum())?;
        self.with(group, |group| group.sync(syncing, answer, Instant::now()))?;
        wait.await.unwrap_or(Err(ResponseError::RebalanceInProgress))
    }

    fn check_room(&self, groups: &BTreeMap<String, Group>, more: usize) -> Result<(), ResponseError> {
        let held: usize = groups.iter().map(|(id, group)| id.len() + group.bytes()).sum();
        if held + more <= self.most_bytes { Ok(()) } else { Err(ResponseError::GroupMaxSizeReached) }
    }

    /// Looks at a group that has members.
    pub fn with<T>(&self, group: &str, action: impl FnOnce(&mut Group) -> T) -> Result<T, ResponseError> {
        let mut groups = self.by_id.lock();
        groups.get_mut(group).map(action).ok_or(ResponseError::UnknownMemberId)
    }

    /// Whether this member may commit offsets now. Clients that are no members may while the group has none.
    pub fn check_commit(
        &self,
        group: &str,
        member: &str,
        instance: Option<&str>,
        generation: i32,
    ) -> Result<(), ResponseError> {
        let mut groups = self.by_id.lock();
        match groups.get_mut(group).filter(|group| group.status() != Status::Empty) {
            Some(group) => group.check_member(member, instance, generation, Instant::now()),
            None if generation < 0 && member.is_empty() => Ok(()),
            None => Err(ResponseError::UnknownMemberId),
        }
    }

    /// Ids, protocol types and states of all groups with members.
    pub fn list(&self) -> Vec<(String, String, Status)> {
        let groups = self.by_id.lock();
        let known = groups.iter().filter(|(_, group)| group.status() != Status::Empty);
        known.map(|(id, group)| (id.clone(), group.protocol_type().to_owned(), group.status())).collect()
    }

    /// Ids of the groups that have members or expect some.
    pub fn ids(&self) -> Vec<String> {
        self.by_id.lock().keys().cloned().collect()
    }

    /// Lets time pass: silent members go, overdue rebalances end without those who did not come.
    pub fn tick(&self, now: Instant) {
        self.by_id.lock().retain(|_, group| {
            group.tick(now);
            !group.is_abandoned()
        });
    }
}
