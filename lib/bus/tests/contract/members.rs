//! Processes that share numbered parts of a work.

use crate::target::Target;
use bus::{Config, Member, Membership, Parts, admin};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use test_support::client::PATIENCE;
use test_support::proxy::Proxy;

/// What a member was told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<BTreeSet<i32>>>);

impl Parts for Told {
    fn gained(&self, parts: &BTreeSet<i32>) {
        let mut told = self.0.lock();
        assert!(told.is_disjoint(parts), "{parts:?} gained twice");
        told.extend(parts);
    }

    fn lost(&self, parts: &BTreeSet<i32>) {
        let mut told = self.0.lock();
        assert!(told.is_superset(parts), "{parts:?} lost without having been gained");
        told.retain(|part| !parts.contains(part));
    }
}

struct Group {
    config: Config,
    topic: String,
}

impl Group {
    async fn new(tag: &str) -> (Group, Target) {
        let target = Target::new(tag).await;
        let config = Config { brokers: target.addr.clone(), ..Config::default() };
        let topic = target.name("parts");
        admin::create_topic(&config, &topic, 4, &[("cleanup.policy", "compact")]).await.unwrap();
        (Group { config, topic }, target)
    }

    fn join(&self) -> (Member<Told>, Told) {
        let told = Told::default();
        let membership = Membership {
            config: &self.config,
            group: &self.topic,
            topic: &self.topic,
            session_timeout: Duration::from_secs(6),
        };
        (Member::join(&membership, told.clone()).unwrap(), told)
    }
}

/// Lets all poll until each has as many parts as wanted.
fn poll_until(members: &[&Member<Told>], wanted: &[usize]) {
    let end = Instant::now() + PATIENCE;
    while members.iter().map(|member| member.owned().len()).ne(wanted.iter().copied()) {
        assert!(Instant::now() < end, "parts are not shared in time");
        members.iter().for_each(|member| member.poll(Duration::from_millis(20)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_has_one_member_and_goes_to_another_when_it_leaves() {
    let (group, _target) = Group::new("members").await;
    let (first, of_first) = group.join();
    poll_until(&[&first], &[4]);
    let (second, of_second) = group.join();
    poll_until(&[&first, &second], &[2, 2]);
    assert!(first.owned().is_disjoint(&second.owned()));
    assert_eq!((&*of_first.0.lock(), &*of_second.0.lock()), (&first.owned(), &second.owned()));
    drop(first);
    assert!(of_first.0.lock().is_empty());
    poll_until(&[&second], &[4]);
    assert_eq!(of_second.0.lock().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_cut_off_loses_its_parts_and_learns_of_it_later() {
    let (mut group, target) = Group::new("cut-off").await;
    let proxy = Proxy::start(&target.addr);
    group.config.brokers = proxy.addr().to_string();
    let (first, of_first) = group.join();
    poll_until(&[&first], &[4]);
    proxy.cut();
    group.config.brokers.clone_from(&target.addr);
    let (second, _) = group.join();
    poll_until(&[&second], &[4]);
    proxy.mend();
    poll_until(&[&first, &second], &[2, 2]);
    assert!(first.owned().is_disjoint(&second.owned()));
    assert_eq!(*of_first.0.lock(), first.owned());
}
