//! Shares numbered parts of a work among processes: the members of a consumer group. Part 3 is partition 3 of a topic
//! that all of them subscribe to; who is assigned the partition does the part.
//!
//! A member that was cut off or frozen learns late that others have its parts. What it writes for a part has to be
//! fenced by other means, for example by a [`crate::TransactionalProducer`] for each part.

use std::{collections::BTreeSet, time::Duration};

use parking_lot::Mutex;
use rdkafka::{
    ClientContext, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance},
};

use crate::{Config, Error};

/// How a member joins, for [`Member::join`].
pub struct Membership<'a> {
    /// How to reach the brokers.
    pub config: &'a Config,
    /// Name of the group.
    pub group: &'a str,
    /// Has a partition for each part.
    pub topic: &'a str,
    /// A member that gives no sign of life for so long loses its parts.
    pub session_timeout: Duration,
}

/// Is told which parts it has. Called on the thread that polls.
pub trait Parts: Send + Sync + 'static {
    /// These are its own from now on.
    fn gained(&self, parts: &BTreeSet<i32>);

    /// These are its own no longer. Another member gets them when this returns, or has them already if this one
    /// has given no sign of life.
    fn lost(&self, parts: &BTreeSet<i32>);
}

/// One of the processes that share the parts. Dropped, it leaves at once and has no parts any more.
pub struct Member<P: Parts> {
    inner: BaseConsumer<Context<P>>,
}

struct Context<P> {
    parts: P,
    owned: Mutex<BTreeSet<i32>>,
}

impl<P: Parts> Member<P> {
    /// Asks to be let in; the rest happens in [`Member::poll`].
    ///
    /// # Errors
    /// When a setting is wrong.
    pub fn join(membership: &Membership<'_>, parts: P) -> Result<Self, Error> {
        let mut client = membership.config.client();
        client.set("group.id", membership.group).set("enable.auto.commit", "false");
        // Members keep what they have when others come or go.
        client.set("partition.assignment.strategy", "cooperative-sticky");
        let session_ms = membership.session_timeout.as_millis();
        client.set("session.timeout.ms", session_ms.to_string());
        client.set("heartbeat.interval.ms", (session_ms / 4).to_string());
        // Nothing is read but who has what.
        client.set("auto.offset.reset", "latest");
        let context = Context { parts, owned: Mutex::default() };
        let inner: BaseConsumer<_> = client.create_with_context(context).map_err(Error::Settings)?;
        inner.subscribe(&[membership.topic])?;
        Ok(Member { inner })
    }

    /// Takes part in the group for `timeout`. Call it again and again: who does not for some minutes is taken for dead.
    pub fn poll(&self, timeout: Duration) {
        if let Some(Err(error)) = self.inner.poll(timeout) {
            tracing::debug!(%error, "member of a group, passing");
        }
    }

    /// The parts that it has.
    pub fn owned(&self) -> BTreeSet<i32> {
        self.inner.context().owned.lock().clone()
    }
}

impl<P: Parts> ClientContext for Context<P> {}

impl<P: Parts> ConsumerContext for Context<P> {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let lost = match rebalance {
            Rebalance::Assign(_) => return,
            Rebalance::Revoke(list) => numbers(list),
            Rebalance::Error(error) => {
                tracing::warn!(%error, "all parts are given up");
                self.owned.lock().clone()
            }
        };
        self.owned.lock().retain(|part| !lost.contains(part));
        if !lost.is_empty() {
            self.parts.lost(&lost);
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(list) = rebalance else { return };
        let gained = numbers(list);
        self.owned.lock().extend(&gained);
        if !gained.is_empty() {
            self.parts.gained(&gained);
        }
    }
}

fn numbers(list: &TopicPartitionList) -> BTreeSet<i32> {
    list.elements().iter().map(|element| element.partition()).collect()
}
