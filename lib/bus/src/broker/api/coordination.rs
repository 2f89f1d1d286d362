//! FindCoordinator: it is always this broker.

use super::text;
use crate::broker::node::{NODE_ID, Node};
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};

/// From this version on a client asks for several at once.
const BATCHED: i16 = 4;

pub fn find(node: &Node, request: &FindCoordinatorRequest, version: i16) -> FindCoordinatorResponse {
    let (host, port) = &node.advertised;
    let (host, port) = (text(host), i32::from(*port));
    if version < BATCHED {
        return FindCoordinatorResponse::default().with_node_id(NODE_ID).with_host(host).with_port(port);
    }
    let coordinator = |key: &_| {
        let here = Coordinator::default().with_node_id(NODE_ID).with_host(host.clone()).with_port(port);
        here.with_key(Clone::clone(key))
    };
    FindCoordinatorResponse::default()
        .with_coordinators(request.coordinator_keys.iter().map(coordinator).collect())
}
