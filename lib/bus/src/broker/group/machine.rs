//! One consumer group as a state machine. Time comes in as an argument, answers go out through the channels that
//! came in with the questions.
//!
//! A rebalance: every member joins again; when all have (or the time is up), the next generation begins and the
//! leader learns who is there; it hands in the parts with its sync, and all syncs are answered with them.

use super::member::Member;
use super::messages::{JoinAnswer, Status, SyncAnswer, SyncReply, Syncing};
use bytes::Bytes;
use kafka_protocol::ResponseError;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;
use tokio::sync::oneshot;

/// A consumer group.
#[derive(Debug, Default)]
pub struct Group {
    pub(super) status: Status,
    generation: i32,
    pub(super) protocol: String,
    pub(super) leader: String,
    pub(super) members: BTreeMap<String, Member>,
    /// Ids given out that have not joined yet, and until when they may.
    pub(super) promised: HashMap<String, Instant>,
    rebalance_ends: Option<Instant>,
}

impl Group {
    /// Asks everyone to join again; begins a generation when all have.
    pub(super) fn rebalance(&mut self, now: Instant) {
        if self.status != Status::PreparingRebalance {
            self.status = Status::PreparingRebalance;
            let longest = self.members.values().map(|member| member.joining.rebalance_timeout).max();
            self.rebalance_ends = longest.map(|longest| now + longest);
            for member in self.members.values_mut() {
                member.answer_sync(Err(ResponseError::RebalanceInProgress));
            }
        }
        if self.members.values().all(Member::waits_for_join) {
            self.begin_generation(now);
        }
    }

    fn begin_generation(&mut self, now: Instant) {
        self.rebalance_ends = None;
        self.generation += 1;
        self.status = if self.members.is_empty() { Status::Empty } else { Status::CompletingRebalance };
        if !self.members.contains_key(&self.leader) {
            self.leader = self.members.keys().next().cloned().unwrap_or_default();
        }
        self.protocol = self.shared_protocol().unwrap_or_default();
        for id in self.members.keys().cloned().collect::<Vec<_>>() {
            let answer = self.joined(&id);
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = Bytes::new();
                member.last_seen = now;
                member.answer_join(Ok(answer));
            }
        }
    }

    /// The leader's first choice among what everyone knows.
    pub(super) fn shared_protocol(&self) -> Option<String> {
        let shared = |name: &str| self.members.values().all(|member| member.protocol_data(name).is_some());
        let leader = self.members.get(&self.leader)?;
        leader.joining.protocols.iter().map(|(name, _)| name).find(|name| shared(name)).cloned()
    }

    /// The answer to a member that is in this generation.
    pub(super) fn joined(&self, id: &str) -> JoinAnswer {
        let everyone = || {
            self.members.iter().map(|(id, member)| {
                let data = member.protocol_data(&self.protocol).cloned().unwrap_or_default();
                (id.clone(), member.joining.instance_id.clone(), data)
            })
        };
        JoinAnswer::Joined {
            generation: self.generation,
            protocol_type: self.protocol_type().to_owned(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            member_id: id.to_owned(),
            members: if id == self.leader { everyone().collect() } else { Vec::new() },
            skip_assignment: false,
        }
    }

    /// A member asks for its part; the leader brings everyone's.
    pub fn sync(&mut self, syncing: Syncing, answer: oneshot::Sender<SyncReply>, now: Instant) {
        let instance = syncing.instance_id.as_deref();
        let checked = match self.check_member(&syncing.member_id, instance, syncing.generation, now) {
            Ok(()) if self.status == Status::PreparingRebalance => Err(ResponseError::RebalanceInProgress),
            other => other,
        };
        if let Err(error) = checked {
            let _ = answer.send(Err(error));
            return;
        }
        if let Some(member) = self.members.get_mut(&syncing.member_id) {
            member.wait_for_sync(answer);
        }
        if self.status == Status::CompletingRebalance && syncing.member_id == self.leader {
            self.hand_out(syncing.assignments);
        }
        if self.status == Status::Stable {
            self.answer_syncs();
        }
    }

    fn hand_out(&mut self, assignments: Vec<(String, Bytes)>) {
        for (id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = assignment;
            }
        }
        self.status = Status::Stable;
    }

    fn answer_syncs(&mut self) {
        let (protocol_type, protocol) = (self.protocol_type().to_owned(), self.protocol.clone());
        for member in self.members.values_mut() {
            let (protocol_type, protocol) = (protocol_type.clone(), protocol.clone());
            member.answer_sync(Ok(SyncAnswer {
                protocol_type,
                protocol,
                assignment: member.assignment.clone(),
            }));
        }
    }

    /// A sign of life. The error tells the member to join again.
    pub fn heartbeat(
        &mut self,
        member: &str,
        instance: Option<&str>,
        generation: i32,
        now: Instant,
    ) -> Result<(), ResponseError> {
        self.check_member(member, instance, generation, now)?;
        match self.status {
            Status::PreparingRebalance => Err(ResponseError::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// Whether this is a member of this generation; counts as a sign of life.
    pub fn check_member(
        &mut self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
        now: Instant,
    ) -> Result<(), ResponseError> {
        let unknown = self.unknown(instance);
        let member = self.members.get_mut(id).ok_or(unknown)?;
        member.last_seen = now;
        if generation == self.generation { Ok(()) } else { Err(ResponseError::IllegalGeneration) }
    }

    /// A member goes, named by its id or, when that is empty, by its instance id.
    pub fn leave(&mut self, member: &str, instance: Option<&str>, now: Instant) -> Result<(), ResponseError> {
        let id =
            if member.is_empty() { self.instance(instance).unwrap_or_default() } else { member.to_owned() };
        if self.promised.remove(&id).is_some() {
            return Ok(());
        }
        let mut gone = self.members.remove(&id).ok_or_else(|| self.unknown(instance))?;
        gone.dismiss(ResponseError::UnknownMemberId);
        self.rebalance(now);
        Ok(())
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Instant) {
        self.promised.retain(|_, until| *until > now);
        let overdue = self.rebalance_ends.is_some_and(|ends| ends <= now);
        let before = self.members.len();
        self.members.retain(|_, member| !(member.is_overdue(now) || overdue && !member.waits_for_join()));
        if self.members.len() < before || overdue {
            self.rebalance(now);
        }
    }

    /// How far the group is.
    pub fn status(&self) -> Status {
        self.status
    }

    /// `consumer`, as a rule; empty when there are no members.
    pub fn protocol_type(&self) -> &str {
        self.members.values().next().map_or("", |member| &member.joining.protocol_type)
    }

    /// How parts are shared.
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// Its members by id.
    pub fn members(&self) -> &BTreeMap<String, Member> {
        &self.members
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        let promised: usize = self.promised.keys().map(|id| id.len() + size_of::<Instant>()).sum();
        size_of::<Group>() + promised + self.members.values().map(Member::bytes).sum::<usize>()
    }

    /// Nobody is here and nobody is expected.
    pub fn is_abandoned(&self) -> bool {
        self.members.is_empty() && self.promised.is_empty()
    }
}
