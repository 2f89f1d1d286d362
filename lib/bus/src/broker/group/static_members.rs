//! Static members: known by an instance id that outlives their process, so that a restart costs no rebalance.

use super::machine::Group;
use super::member::Member;
use super::messages::{JoinAnswer, Joining, Status};
use kafka_protocol::ResponseError;
use std::time::Instant;

impl Group {
    /// A static member that comes back takes the place of its former self, which is fenced off. In a settled group it
    /// also takes over the part, and is answered at once.
    pub(super) fn replace_instance(&mut self, joining: &Joining, now: Instant) -> Option<JoinAnswer> {
        let former_id = self.instance(joining.instance_id.as_deref());
        let former_id = former_id.filter(|id| *id != joining.member_id)?;
        let mut former = self.members.remove(&former_id)?;
        former.dismiss(ResponseError::FencedInstanceId);
        if self.status != Status::Stable {
            return None;
        }
        let id = joining.member_id.clone();
        let mut member = Member::new(joining.clone(), now);
        member.assignment = former.assignment;
        self.members.insert(id.clone(), member);
        if self.leader == former_id {
            self.leader = id;
        }
        let shares_as_before = self.shared_protocol().as_ref() == Some(&self.protocol);
        shares_as_before.then(|| self.resumed(joining, former_id))
    }

    /// The answer to a member that resumes its former self's part. A leader must not hand out parts now: it is told so
    /// where its version has words for it, else that its former self leads.
    fn resumed(&self, joining: &Joining, former_id: String) -> JoinAnswer {
        let mut answer = self.joined(&joining.member_id);
        if let JoinAnswer::Joined { leader, members, skip_assignment, .. } = &mut answer
            && *leader == joining.member_id
        {
            match joining.may_skip_assignment {
                true => *skip_assignment = true,
                false => (*leader, *members) = (former_id, Vec::new()),
            }
        }
        answer
    }

    /// The member that has this instance id.
    pub(super) fn instance(&self, instance_id: Option<&str>) -> Option<String> {
        let wanted = instance_id?;
        let mut members = self.members.iter();
        members
            .find(|(_, member)| member.joining.instance_id.as_deref() == Some(wanted))
            .map(|(id, _)| id.clone())
    }
}
