//! Fetch: batches out of logs; waits for more where there is too little.
//!
//! Sessions are declined by answering with session 0: clients then name all their partitions each time.

use super::Outcome;
use crate::broker::log::Slice;
use crate::broker::node::Node;
use crate::broker::partition::Partition;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse, ProducerId};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Nobody waits longer than this, whatever they ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

pub async fn fetch<'a>(node: &'a Node, request: &FetchRequest) -> Outcome<'a> {
    if request.session_id != 0 {
        return FetchResponse::default().with_error_code(ResponseError::FetchSessionIdNotFound.code()).into();
    }
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)).min(LONGEST_WAIT);
    let deadline = Instant::now() + wait;
    let bell = Arc::new(Notify::new());
    loop {
        // Asking for the bell before reading: what comes between is not missed.
        watch(node, request, &bell);
        if let Some(answer) = read(node, request, deadline).await {
            return answer;
        }
        let _ = tokio::time::timeout_at(deadline, bell.notified()).await;
    }
}

/// What there is, if it is enough or the time is up.
async fn read<'a>(node: &'a Node, request: &FetchRequest, deadline: Instant) -> Option<Outcome<'a>> {
    let most = most_bytes(node, request);
    // Twice: as it is read, and as it is sent.
    let Ok(mut reserved) = node.share(2 * most.max(node.config.limits.batch_bytes)).await else {
        return Some(Outcome::Close);
    };
    let reading = Reading::new(node, request, most);
    let enough = reading.failed || reading.bytes >= usize::try_from(request.min_bytes).unwrap_or(0);
    if !enough && Instant::now() < deadline {
        return None;
    }
    let share = reserved.split(2 * reading.bytes).unwrap_or(reserved);
    let answer = FetchResponse::default().with_responses(reading.topics);
    Some(Outcome::Answer(Box::new(answer.into()), Some(share)))
}

/// Bytes of records that an answer may have: as many as the client takes in all and of each partition, within the limit.
fn most_bytes(node: &Node, request: &FetchRequest) -> usize {
    let bytes = |number: i32| usize::try_from(number).unwrap_or(0);
    let partitions = request.topics.iter().flat_map(|topic| &topic.partitions);
    let wanted = partitions.map(|wanted| bytes(wanted.partition_max_bytes)).fold(0, usize::saturating_add);
    wanted.min(bytes(request.max_bytes)).min(node.config.limits.fetch_bytes)
}

fn watch(node: &Node, request: &FetchRequest, bell: &Arc<Notify>) {
    for topic in &request.topics {
        for wanted in &topic.partitions {
            if let Ok(partition) = node.topics.partition(&topic.topic, wanted.partition) {
                partition.watch(bell);
            }
        }
    }
}

/// What was found for a request.
struct Reading {
    topics: Vec<FetchableTopicResponse>,
    bytes: usize,
    most: usize,
    failed: bool,
    committed: bool,
}

impl Reading {
    fn new(node: &Node, request: &FetchRequest, most: usize) -> Reading {
        let committed = request.isolation_level == 1;
        let mut reading = Reading { topics: Vec::new(), bytes: 0, most, failed: false, committed };
        for topic in &request.topics {
            let topic = reading.topic(node, topic);
            reading.topics.push(topic);
        }
        reading
    }

    fn topic(&mut self, node: &Node, topic: &FetchTopic) -> FetchableTopicResponse {
        let partitions = topic.partitions.iter().map(|wanted| {
            let partition = node.topics.partition(&topic.topic, wanted.partition);
            self.partition(partition, wanted).with_partition_index(wanted.partition)
        });
        FetchableTopicResponse::default()
            .with_partitions(partitions.collect())
            .with_topic(topic.topic.clone())
    }

    fn partition(
        &mut self,
        partition: Result<Arc<Partition>, ResponseError>,
        wanted: &FetchPartition,
    ) -> PartitionData {
        let answer = PartitionData::default().with_preferred_read_replica(BrokerId(-1));
        let partition = match partition {
            Ok(partition) => partition,
            Err(error) => return self.failure(answer, error),
        };
        partition.with(|log| {
            let answer = answer
                .with_high_watermark(log.end_offset())
                .with_last_stable_offset(log.stable_offset())
                .with_log_start_offset(log.start_offset());
            let room = self.most.saturating_sub(self.bytes);
            // The first batch of an answer may be larger than asked for, or a reader could never pass it.
            let read = match room {
                0 if self.bytes > 0 => Ok(None),
                _ => {
                    let most = usize::try_from(wanted.partition_max_bytes).unwrap_or(0).min(room);
                    log.read(wanted.fetch_offset, most, self.committed).map(Some)
                }
            };
            match read {
                Ok(slice) => self.success(answer, slice),
                Err(error) => self.failure(answer, error),
            }
        })
    }

    fn failure(&mut self, answer: PartitionData, error: ResponseError) -> PartitionData {
        self.failed = true;
        answer.with_error_code(error.code()).with_records(Some(Default::default()))
    }

    fn success(&mut self, answer: PartitionData, slice: Option<Slice>) -> PartitionData {
        let Some(slice) = slice else { return answer.with_records(Some(Default::default())) };
        self.bytes += slice.records.len();
        let aborted = slice.aborted.iter().map(|txn| {
            let producer = ProducerId(txn.producer_id);
            AbortedTransaction::default().with_producer_id(producer).with_first_offset(txn.first_offset)
        });
        let aborted = self.committed.then(|| aborted.collect());
        answer.with_records(Some(slice.records)).with_aborted_transactions(aborted)
    }
}
