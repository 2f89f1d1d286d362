//! One consumer group as a state machine. Time comes in as an argument, answers go out through the channels that
//! came in with the questions.
//!
//! A rebalance: every member joins again; when all have (or the time is up), the next generation begins and the
//! leader learns who is there; it hands in the parts with its sync, and all syncs are answered with them.

mod static_members;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What goes back to a member that joins.
pub type JoinReply = Result<JoinAnswer, ResponseError>;
/// What goes back to a member that syncs.
pub type SyncReply = Result<SyncAnswer, ResponseError>;

/// Longest session time-out, as in Kafka.
const MAX_SESSION: Duration = Duration::from_secs(30 * 60);

/// A request to join.
#[derive(Debug, Clone)]
pub struct Joining {
    /// The member's id; empty the first time.
    pub member_id: String,
    /// Name that a static member keeps over restarts.
    pub instance_id: Option<String>,
    /// What the client calls itself.
    pub client_id: String,
    /// Where it comes from.
    pub client_host: String,
    /// How long it may be silent.
    pub session_timeout: Duration,
    /// How long it may take to join again.
    pub rebalance_timeout: Duration,
    /// `consumer`, as a rule.
    pub protocol_type: String,
    /// Ways of sharing that it knows, best first, each with the member's own data.
    pub protocols: Vec<(String, Bytes)>,
    /// It wants an id first and joins with that.
    pub id_first: bool,
    /// As a leader it can be told not to hand out parts.
    pub may_skip_assignment: bool,
}

/// The answer to a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinAnswer {
    /// Join again with this member id.
    TakeId(String),
    /// A generation has begun.
    Joined {
        /// Its number.
        generation: i32,
        /// `consumer`, as a rule.
        protocol_type: String,
        /// How parts are shared.
        protocol: String,
        /// Who hands them out.
        leader: String,
        /// The member's id.
        member_id: String,
        /// Everyone, for the leader only: id, instance id, data.
        members: Vec<(String, Option<String>, Bytes)>,
        /// The leader has nothing to hand out: the parts stay as they are.
        skip_assignment: bool,
    },
}

/// A request for the member's part.
#[derive(Debug, Clone)]
pub struct Syncing {
    /// The member's id.
    pub member_id: String,
    /// Its instance id.
    pub instance_id: Option<String>,
    /// The generation it believes in.
    pub generation: i32,
    /// From the leader: everyone's parts.
    pub assignments: Vec<(String, Bytes)>,
}

/// The member's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncAnswer {
    /// `consumer`, as a rule.
    pub protocol_type: String,
    /// How parts are shared.
    pub protocol: String,
    /// The part.
    pub assignment: Bytes,
}

/// How far the group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// No members.
    #[default]
    Empty,
    /// Members are asked to join again.
    PreparingRebalance,
    /// All have joined; the leader has yet to hand in the parts.
    CompletingRebalance,
    /// Everyone has a part.
    Stable,
}

impl Status {
    /// Kafka's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Empty => "Empty",
            Status::PreparingRebalance => "PreparingRebalance",
            Status::CompletingRebalance => "CompletingRebalance",
            Status::Stable => "Stable",
        }
    }
}

/// A member of a group.
#[derive(Debug)]
pub struct Member {
    /// How it came.
    pub joining: Joining,
    /// Its part.
    pub assignment: Bytes,
    last_seen: Instant,
    join_waits: Option<oneshot::Sender<JoinReply>>,
    sync_waits: Option<oneshot::Sender<SyncReply>>,
}

/// A consumer group.
#[derive(Debug, Default)]
pub struct Group {
    status: Status,
    generation: i32,
    protocol: String,
    leader: String,
    members: BTreeMap<String, Member>,
    /// Ids given out that have not joined yet, and until when they may.
    promised: HashMap<String, Instant>,
    rebalance_ends: Option<Instant>,
}

impl Group {
    /// A member joins or joins again. At most `most` may.
    pub fn join(
        &mut self,
        mut joining: Joining,
        answer: oneshot::Sender<JoinReply>,
        most: usize,
        now: Instant,
    ) {
        if let Err(error) = self.check_join(&joining, most) {
            let _ = answer.send(Err(error));
            return;
        }
        if joining.member_id.is_empty() {
            joining.member_id = new_member_id(&joining.client_id);
            if joining.id_first && joining.instance_id.is_none() {
                self.promised.insert(joining.member_id.clone(), now + joining.session_timeout);
                let _ = answer.send(Ok(JoinAnswer::TakeId(joining.member_id)));
                return;
            }
        }
        self.promised.remove(&joining.member_id);
        match self.replace_instance(&joining, now) {
            // Whoever asked may be gone.
            Some(resumed) => drop(answer.send(Ok(resumed))),
            None => self.enter(joining, answer, now),
        }
    }

    fn check_join(&self, joining: &Joining, most: usize) -> Result<(), ResponseError> {
        let known = self.members.contains_key(&joining.member_id);
        if joining.session_timeout.is_zero() || joining.session_timeout > MAX_SESSION {
            return Err(ResponseError::InvalidSessionTimeout);
        }
        if !known && self.members.len() + self.promised.len() >= most {
            return Err(ResponseError::GroupMaxSizeReached);
        }
        if !joining.member_id.is_empty() && !known && !self.promised.contains_key(&joining.member_id) {
            return Err(self.unknown(joining.instance_id.as_deref()));
        }
        self.check_protocols(joining)
    }

    fn check_protocols(&self, joining: &Joining) -> Result<(), ResponseError> {
        let others =
            || self.members.iter().filter(|(id, _)| **id != joining.member_id).map(|(_, member)| member);
        let same_type = others().all(|other| other.joining.protocol_type == joining.protocol_type);
        let shared = |name: &str| others().all(|other| other.protocol_data(name).is_some());
        if same_type && joining.protocols.iter().any(|(name, _)| shared(name)) {
            Ok(())
        } else {
            Err(ResponseError::InconsistentGroupProtocol)
        }
    }

    /// A member id that is not here: fenced off if its instance came back under another id.
    fn unknown(&self, instance_id: Option<&str>) -> ResponseError {
        match self.instance(instance_id) {
            Some(_) => ResponseError::FencedInstanceId,
            None => ResponseError::UnknownMemberId,
        }
    }

    fn enter(&mut self, joining: Joining, answer: oneshot::Sender<JoinReply>, now: Instant) {
        let id = joining.member_id.clone();
        let unchanged =
            self.members.get(&id).is_some_and(|member| member.joining.protocols == joining.protocols);
        let settled = match self.status {
            Status::Stable => unchanged && id != self.leader,
            Status::CompletingRebalance => unchanged,
            Status::Empty | Status::PreparingRebalance => false,
        };
        let member = self.members.entry(id.clone()).or_insert_with(|| Member::new(joining.clone(), now));
        (member.joining, member.last_seen) = (joining, now);
        if settled {
            let _ = answer.send(Ok(self.joined(&id)));
            return;
        }
        member.answer_join(Err(ResponseError::UnknownMemberId));
        member.join_waits = Some(answer);
        self.rebalance(now);
    }

    fn rebalance(&mut self, now: Instant) {
        if self.status != Status::PreparingRebalance {
            self.status = Status::PreparingRebalance;
            let longest = self.members.values().map(|member| member.joining.rebalance_timeout).max();
            self.rebalance_ends = longest.map(|longest| now + longest);
            for member in self.members.values_mut() {
                member.answer_sync(Err(ResponseError::RebalanceInProgress));
            }
        }
        if self.members.values().all(|member| member.join_waits.is_some()) {
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
    fn shared_protocol(&self) -> Option<String> {
        let shared = |name: &str| self.members.values().all(|member| member.protocol_data(name).is_some());
        let leader = self.members.get(&self.leader)?;
        leader.joining.protocols.iter().map(|(name, _)| name).find(|name| shared(name)).cloned()
    }

    fn joined(&self, id: &str) -> JoinAnswer {
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
            member.sync_waits = Some(answer);
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
        gone.answer_join(Err(ResponseError::UnknownMemberId));
        gone.answer_sync(Err(ResponseError::UnknownMemberId));
        self.rebalance(now);
        Ok(())
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Instant) {
        self.promised.retain(|_, until| *until > now);
        let silent = |member: &Member| {
            let waits = member.join_waits.is_some() || member.sync_waits.is_some();
            !waits && member.last_seen + member.joining.session_timeout <= now
        };
        let overdue = self.rebalance_ends.is_some_and(|ends| ends <= now);
        let before = self.members.len();
        self.members.retain(|_, member| !(silent(member) || overdue && member.join_waits.is_none()));
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

    /// Nobody is here and nobody is expected.
    pub fn is_abandoned(&self) -> bool {
        self.members.is_empty() && self.promised.is_empty()
    }
}

impl Member {
    fn new(joining: Joining, now: Instant) -> Member {
        Member { joining, assignment: Bytes::new(), last_seen: now, join_waits: None, sync_waits: None }
    }

    /// What the member says for this way of sharing.
    pub fn protocol_data(&self, protocol: &str) -> Option<&Bytes> {
        self.joining.protocols.iter().find(|(name, _)| name == protocol).map(|(_, data)| data)
    }

    // Whoever asked may be gone; then nobody reads the answer and that is well.
    fn answer_join(&mut self, reply: JoinReply) {
        if let Some(waits) = self.join_waits.take() {
            let _ = waits.send(reply);
        }
    }

    fn answer_sync(&mut self, reply: SyncReply) {
        if let Some(waits) = self.sync_waits.take() {
            let _ = waits.send(reply);
        }
    }
}

fn new_member_id(client_id: &str) -> String {
    let random = RandomState::new();
    format!("{client_id}-{:016x}{:016x}", random.hash_one(1), random.hash_one(2))
}
