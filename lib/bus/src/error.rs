//! What can go wrong on the way to Kafka.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use thiserror::Error;

/// Says which broker or topic, and what to look at.
#[derive(Debug, Error)]
pub enum Error {
    /// A setting that librdkafka refuses.
    #[error("bus settings: {0}; see `bus.options` in the configuration")]
    Settings(KafkaError),
    /// No answer.
    #[error("kafka at {brokers} does not answer ({source}); is it running, and is `bus.brokers` right?")]
    Unreachable {
        /// `bus.brokers`
        brokers: String,
        /// What librdkafka says.
        source: KafkaError,
    },
    /// The broker says no.
    #[error("topic {topic}: {source}")]
    Topic {
        /// Its name.
        topic: String,
        /// What librdkafka says.
        source: KafkaError,
    },
    /// Another producer has taken over the transactional id, or the broker has given this one up.
    #[error("another process has taken over `{id}`: this one may write no more under it")]
    Fenced {
        /// The transactional id.
        id: String,
    },
    /// What is committed with the offsets.
    #[error(
        "group {group} has committed {text:?}, which this version cannot read; upgrade it, or use another group"
    )]
    Commit {
        /// The consumer group.
        group: String,
        /// What stands beside the offset.
        text: String,
    },
    /// Anything else.
    #[error("kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// The system has no more threads.
    #[error("no thread for the producer: {0}")]
    Thread(std::io::Error),
    /// The producer was closed while a record was on its way.
    #[error("the producer was closed before the broker acknowledged the record")]
    Closed,
}

impl Error {
    /// Whether this very record is at fault: it will not be taken however often it is sent.
    pub fn is_refusal(&self) -> bool {
        let code = match self {
            Error::Kafka(source) | Error::Topic { source, .. } => source.rdkafka_error_code(),
            _ => None,
        };
        let refusals = [Code::MessageSizeTooLarge, Code::InvalidMessage, Code::InvalidMessageSize];
        code.is_some_and(|code| refusals.contains(&code) || code == Code::InvalidRecord)
    }
}
