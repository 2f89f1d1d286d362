//! What members and their group say to each other.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use std::time::Duration;

/// What goes back to a member that joins.
pub type JoinReply = Result<JoinAnswer, ResponseError>;
/// What goes back to a member that syncs.
pub type SyncReply = Result<SyncAnswer, ResponseError>;

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

impl Joining {
    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        let texts = [&self.member_id, &self.client_id, &self.client_host, &self.protocol_type];
        let protocols = self.protocols.iter().map(|(name, data)| name.len() + data.len());
        let texts = texts.iter().map(|text| text.len()).chain(self.instance_id.iter().map(String::len));
        size_of::<Joining>() + texts.chain(protocols).sum::<usize>()
    }
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
