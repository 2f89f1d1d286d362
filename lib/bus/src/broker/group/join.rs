//! How a member enters its group, anew or again.

use super::machine::Group;
use super::member::{Member, new_member_id};
use super::messages::{JoinAnswer, JoinReply, Joining, Status};
use kafka_protocol::ResponseError;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Longest session time-out, as in Kafka.
const MAX_SESSION: Duration = Duration::from_secs(30 * 60);

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
    pub(super) fn unknown(&self, instance_id: Option<&str>) -> ResponseError {
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
        member.wait_for_join(answer);
        self.rebalance(now);
    }
}
