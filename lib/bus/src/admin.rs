//! Topics: makes those that are missing, looks up partitions.

use std::time::Duration;

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};

use crate::{Config, Error, Partition};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Creates the topics that do not exist yet.
///
/// # Errors
/// When the broker does not answer, or refuses one.
pub async fn create_topics(config: &Config) -> Result<(), Error> {
    let all = config.topics.all();
    let topics = all.map(|(name, spread)| {
        let topic = new_topic(config, name, if spread { config.partitions } else { 1 });
        // The alert topic is the history of all alerts, and the state of those that still fire.
        if name == config.topics.alerts { topic.set("retention.ms", "-1") } else { topic }
    });
    create(config, &topics).await
}

/// Creates a topic unless it exists.
///
/// # Errors
/// When the broker does not answer, or refuses it.
pub async fn create_topic(
    config: &Config,
    name: &str,
    partitions: i32,
    settings: &[(&str, &str)],
) -> Result<(), Error> {
    let topic = new_topic(config, name, partitions);
    create(config, &[settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value))]).await
}

fn new_topic<'a>(config: &Config, name: &'a str, partitions: i32) -> NewTopic<'a> {
    NewTopic::new(name, partitions, TopicReplication::Fixed(config.replication))
}

async fn create(config: &Config, topics: &[NewTopic<'_>]) -> Result<(), Error> {
    let client: AdminClient<DefaultClientContext> = config.client().create().map_err(Error::Settings)?;
    let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
    let results = client.create_topics(topics, &options).await;
    for result in results.map_err(|source| Error::Unreachable { brokers: config.brokers.clone(), source })? {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(Error::Topic { topic, source: KafkaError::AdminOp(code) }),
        }
    }
    Ok(())
}

pub(crate) fn partitions(client: &BaseConsumer, brokers: &str, topic: &str) -> Result<Vec<Partition>, Error> {
    let unreachable = |source| Error::Unreachable { brokers: brokers.to_owned(), source };
    let metadata = client.fetch_metadata(Some(topic), TIMEOUT).map_err(unreachable)?;
    let found = metadata.topics().iter().filter(|t| t.name() == topic);
    Ok(found.flat_map(|t| t.partitions().iter().map(|p| (topic.to_owned(), p.id()))).collect())
}
