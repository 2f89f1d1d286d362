//! The group protocol alone, with time as an argument.

use super::Groups;
use super::machine::Group;
use super::messages::{JoinAnswer, JoinReply, Joining, Status, SyncReply, Syncing};
use bytes::Bytes;
use kafka_protocol::ResponseError;
use std::time::{Duration, Instant};
use tokio::sync::oneshot::{self, Receiver};

const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(60);

fn joining(id: &str, instance: Option<&str>) -> Joining {
    Joining {
        member_id: id.to_owned(),
        instance_id: instance.map(str::to_owned),
        client_id: "client".to_owned(),
        client_host: "host".to_owned(),
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        protocol_type: "consumer".to_owned(),
        protocols: vec![("range".to_owned(), Bytes::new())],
        id_first: false,
        may_skip_assignment: true,
    }
}

fn join(group: &mut Group, joining: Joining, now: Instant) -> Receiver<JoinReply> {
    let (answer, wait) = oneshot::channel();
    group.join(joining, answer, 100, now);
    wait
}

fn sync(group: &mut Group, id: &str, generation: i32, parts: &[&str], now: Instant) -> Receiver<SyncReply> {
    let (answer, wait) = oneshot::channel();
    let assignments =
        parts.iter().map(|id| ((*id).to_owned(), Bytes::copy_from_slice(id.as_bytes()))).collect();
    group.sync(Syncing { member_id: id.to_owned(), instance_id: None, generation, assignments }, answer, now);
    wait
}

/// The member's id and generation.
fn joined(mut wait: Receiver<JoinReply>) -> (String, i32) {
    match wait.try_recv().expect("an answer").expect("joined") {
        JoinAnswer::Joined { member_id, generation, .. } => (member_id, generation),
        JoinAnswer::TakeId(id) => panic!("only an id: {id}"),
    }
}

/// A group with two members in generation 2, the leader first.
fn pair(now: Instant) -> (Group, String, String) {
    let mut group = Group::default();
    let (first, _) = joined(join(&mut group, joining("", None), now));
    let waiting = join(&mut group, joining("", None), now);
    assert_eq!(group.status(), Status::PreparingRebalance);
    assert_eq!(joined(join(&mut group, joining(&first, None), now)).1, 2);
    let (second, _) = joined(waiting);
    drop(sync(&mut group, &first, 2, &[&first, &second], now));
    assert_eq!(group.status(), Status::Stable);
    (group, first, second)
}

#[test]
fn parts_reach_members_that_asked_before_the_leader_brought_them() {
    let now = Instant::now();
    let mut group = Group::default();
    let (leader, generation) = joined(join(&mut group, joining("", None), now));
    let waiting = join(&mut group, joining("", None), now);
    drop(join(&mut group, joining(&leader, None), now));
    let (other, _) = joined(waiting);
    let mut part = sync(&mut group, &other, generation + 1, &[], now);
    assert!(part.try_recv().is_err(), "the leader has not come yet");
    drop(sync(&mut group, &leader, generation + 1, &[&leader, &other], now));
    assert_eq!(part.try_recv().expect("an answer").expect("a part").assignment, other.as_bytes());
}

#[test]
fn a_silent_member_goes_and_the_others_are_asked_to_join_again() {
    let now = Instant::now();
    let (mut group, first, second) = pair(now);
    let later = now + SESSION - Duration::from_secs(1);
    assert_eq!(group.heartbeat(&first, None, 2, later), Ok(()));
    group.tick(now + SESSION);
    assert_eq!(group.heartbeat(&second, None, 2, later), Err(ResponseError::UnknownMemberId));
    assert_eq!(group.heartbeat(&first, None, 2, later), Err(ResponseError::RebalanceInProgress));
    assert_eq!(joined(join(&mut group, joining(&first, None), later)), (first, 3));
}

#[test]
fn a_rebalance_does_not_wait_for_ever() {
    let now = Instant::now();
    let (mut group, first, second) = pair(now);
    let mut third = join(&mut group, joining("", None), now);
    // They live, but do not join.
    let end = now + REBALANCE;
    for member in [&first, &second] {
        assert_eq!(group.heartbeat(member, None, 2, end), Err(ResponseError::RebalanceInProgress));
    }
    group.tick(end - Duration::from_secs(1));
    assert!(third.try_recv().is_err());
    group.tick(end);
    assert_eq!(joined(third).1, 3);
    assert_eq!(group.members().len(), 1);
}

/// A stable group of the static members `a`, who leads, and `b`.
fn static_pair(now: Instant) -> (Group, String, String) {
    let mut group = Group::default();
    let (first, _) = joined(join(&mut group, joining("", Some("a")), now));
    let waiting = join(&mut group, joining("", Some("b")), now);
    drop(join(&mut group, joining(&first, Some("a")), now));
    let (second, _) = joined(waiting);
    drop(sync(&mut group, &first, 2, &[&first, &second], now));
    (group, first, second)
}

#[test]
fn a_static_member_that_returns_gets_its_part_and_nobody_else_notices() {
    let now = Instant::now();
    let (mut group, leader, old) = static_pair(now);
    let (new, generation) = joined(join(&mut group, joining("", Some("b")), now));
    assert_eq!((group.members().len(), generation, group.status()), (2, 2, Status::Stable));
    assert_eq!(group.heartbeat(&old, Some("b"), 2, now), Err(ResponseError::FencedInstanceId));
    assert_eq!(group.heartbeat(&leader, Some("a"), 2, now), Ok(()));
    let part = sync(&mut group, &new, 2, &[], now).try_recv().expect("an answer").expect("a part");
    assert_eq!(part.assignment, old.as_bytes());
}

#[test]
fn a_static_leader_that_returns_hands_out_nothing() {
    let now = Instant::now();
    for may_skip_assignment in [true, false] {
        let (mut group, old, _) = static_pair(now);
        let again = Joining { may_skip_assignment, ..joining("", Some("a")) };
        let reply = join(&mut group, again, now).try_recv().expect("an answer").expect("joined");
        let JoinAnswer::Joined { leader, member_id, members, skip_assignment, .. } = reply else {
            panic!("only an id")
        };
        assert_eq!((skip_assignment, leader == member_id), (may_skip_assignment, may_skip_assignment));
        assert_eq!(
            (members.len(), leader == old),
            (if may_skip_assignment { 2 } else { 0 }, !may_skip_assignment)
        );
    }
}

#[test]
fn a_static_member_that_returns_during_a_rebalance_fences_off_its_former_self() {
    let now = Instant::now();
    let mut group = Group::default();
    let (old, _) = joined(join(&mut group, joining("", Some("a")), now));
    let (new, generation) = joined(join(&mut group, joining("", Some("a")), now));
    assert_eq!((group.members().len(), generation), (1, 2));
    assert_eq!(group.heartbeat(&old, Some("a"), 1, now), Err(ResponseError::FencedInstanceId));
    assert_eq!(group.heartbeat(&new, Some("a"), 2, now), Ok(()));
    assert_eq!(group.leave("", Some("a"), now), Ok(()));
    assert!(group.is_abandoned());
}

#[tokio::test]
async fn what_members_say_is_bounded_in_all_groups_together() {
    let groups = Groups::new(1000, 100_000);
    let wordy = |size| Joining {
        protocols: vec![("range".to_owned(), Bytes::from(vec![0; size]))],
        ..joining("", None)
    };
    let mut taken = 0;
    let refused = loop {
        match groups.join(&format!("g{taken}"), wordy(10_000)).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((taken, refused), (9, ResponseError::GroupMaxSizeReached));
    assert!(groups.join("small", wordy(10)).await.is_ok());
    let part = vec![("m".to_owned(), Bytes::from(vec![0; 100_000]))];
    let syncing = Syncing { member_id: "m".to_owned(), instance_id: None, generation: 1, assignments: part };
    assert_eq!(groups.sync("small", syncing).await, Err(ResponseError::GroupMaxSizeReached));
}

#[test]
fn strangers_and_stragglers_are_told_so() {
    let now = Instant::now();
    let (mut group, first, _) = pair(now);
    assert_eq!(group.heartbeat("stranger", None, 2, now), Err(ResponseError::UnknownMemberId));
    assert_eq!(group.heartbeat(&first, None, 1, now), Err(ResponseError::IllegalGeneration));
    let mut unknown = join(&mut group, joining("stranger", None), now);
    assert_eq!(unknown.try_recv(), Ok(Err(ResponseError::UnknownMemberId)));
    let other = Joining { protocols: vec![("other".to_owned(), Bytes::new())], ..joining("", None) };
    let mut refused = join(&mut group, other, now);
    assert_eq!(refused.try_recv(), Ok(Err(ResponseError::InconsistentGroupProtocol)));
}

#[test]
fn a_promised_id_is_kept_for_a_session_only() {
    let now = Instant::now();
    let mut group = Group::default();
    let mut promise = join(&mut group, Joining { id_first: true, ..joining("", None) }, now);
    let Ok(Ok(JoinAnswer::TakeId(id))) = promise.try_recv() else { panic!("no id") };
    assert!(!group.is_abandoned());
    group.tick(now + SESSION);
    assert!(group.is_abandoned());
    let mut late = join(&mut group, joining(&id, None), now);
    assert_eq!(late.try_recv(), Ok(Err(ResponseError::UnknownMemberId)));
}
