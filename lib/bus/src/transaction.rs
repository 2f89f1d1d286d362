//! Writes records together with how far the input was read for them: readers see all of it or nothing. Blocking:
//! whoever writes has a thread of its own.

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use rdkafka::{
    client::Client,
    error::{KafkaError, RDKafkaErrorCode as Code},
    producer::{Producer as _, PurgeConfig},
};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Consumer, Error, Offsets, Outgoing, Producer, pause,
    producer::{Acknowledge, settings},
};

/// How long one call waits for the broker before it looks whether it should go on: the time that stopping may take.
const STEP: Duration = Duration::from_secs(1);
/// Before another attempt after one that failed for no fault of the records.
const PAUSE: Duration = Duration::from_millis(500);

/// How far the input was read.
pub struct Input<'a> {
    /// Reads it; its group's offsets are committed.
    pub consumer: &'a Consumer,
    /// The next offset of each partition.
    pub read: &'a Offsets,
    /// Committed with each offset.
    pub text: &'a str,
}

/// What became of a transaction.
#[derive(Debug)]
pub enum Committed {
    /// Everything is written, but for the records that can never be written: why.
    Yes(Vec<Error>),
    /// It was told to stop; nothing is written.
    Stopped,
}

/// Has a transactional id to itself. Whoever opens one for the same id takes it over.
pub struct TransactionalProducer {
    id: String,
    producer: Producer,
    runtime: Handle,
    stop: CancellationToken,
}

/// Records that can never be written, by their place.
type Unwritable = BTreeMap<usize, Error>;

/// Why an attempt did not get through.
enum Failure {
    /// Worth another transaction, without the records at these places.
    Abort(Unwritable),
    /// Told to stop.
    Stopped,
    /// The producer is of no more use.
    Ended(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Ended(error)
    }
}

impl TransactionalProducer {
    /// Takes over `id`: what its former owner left open is undone, and it can write no more. Waits for a broker
    /// that is away; `None` if told to stop meanwhile.
    ///
    /// # Errors
    /// When a setting is wrong, or the broker refuses it.
    pub fn open(
        config: &Config,
        id: &str,
        runtime: Handle,
        stop: CancellationToken,
    ) -> Result<Option<Self>, Error> {
        let mut client = settings(config);
        client.set("transactional.id", id).set("linger.ms", "0");
        // So long the records of a writer that was killed hold up readers of the same topics.
        client.set("transaction.timeout.ms", "60000").set("message.timeout.ms", "30000");
        let producer = Producer::connect(&client)?;
        let opened = TransactionalProducer { id: id.to_owned(), producer, runtime, stop };
        match opened.persist(|| opened.producer.client().init_transactions(STEP)) {
            Ok(()) => Ok(Some(opened)),
            Err(Failure::Ended(error)) => Err(error),
            Err(Failure::Abort(_) | Failure::Stopped) => Ok(None),
        }
    }

    /// Writes `records` and commits `input`, in one transaction; begins anew as often as it fails in passing.
    ///
    /// # Errors
    /// [`Error::Fenced`] when another producer has taken over, and others after which this one is of no use.
    pub fn commit(&self, records: Vec<Outgoing>, input: &Input<'_>) -> Result<Committed, Error> {
        self.transact(records, Some(input))
    }

    /// Writes `records` in one transaction, as [`TransactionalProducer::commit`] does.
    ///
    /// # Errors
    /// The same.
    pub fn write(&self, records: Vec<Outgoing>) -> Result<Committed, Error> {
        self.transact(records, None)
    }

    fn transact(&self, mut records: Vec<Outgoing>, input: Option<&Input<'_>>) -> Result<Committed, Error> {
        let mut refused = Vec::new();
        loop {
            match self.attempt(&records, input).or_else(|failure| self.abort(failure)) {
                Ok(None) => return Ok(Committed::Yes(refused)),
                Ok(Some(unwritable)) => {
                    for (at, error) in unwritable.into_iter().rev() {
                        records.remove(at);
                        refused.push(error);
                    }
                }
                Err(Failure::Ended(error)) => return Err(error),
                Err(Failure::Abort(_) | Failure::Stopped) => return Ok(Committed::Stopped),
            }
        }
    }

    fn attempt(
        &self,
        records: &[Outgoing],
        input: Option<&Input<'_>>,
    ) -> Result<Option<Unwritable>, Failure> {
        let client = self.producer.client();
        client.begin_transaction().map_err(|error| self.judge(error))?;
        let written = self.runtime.block_on(self.stop.run_until_cancelled(self.send(records)));
        written.ok_or(Failure::Stopped)??;
        fault::point("processor.commit.after-outputs");
        if let Some(input) = input.filter(|input| !input.read.is_empty()) {
            let offsets = input.read.to_list(input.text).map_err(Error::from)?;
            let group = input.consumer.group()?;
            self.persist(|| client.send_offsets_to_transaction(&offsets, &group, STEP))?;
            fault::point("processor.commit.after-offsets");
        }
        self.persist(|| client.commit_transaction(STEP))?;
        Ok(None)
    }

    /// Ends a transaction that cannot be committed, if another one can.
    fn abort(&self, failure: Failure) -> Result<Option<Unwritable>, Failure> {
        let Failure::Abort(unwritable) = failure else { return Err(failure) };
        self.persist(|| self.producer.client().abort_transaction(STEP))?;
        if unwritable.is_empty() {
            pause(&self.runtime, &self.stop, PAUSE);
        }
        Ok(Some(unwritable))
    }

    /// Waits until every record is acknowledged, so that the commit need not.
    async fn send(&self, records: &[Outgoing]) -> Result<(), Failure> {
        let mut deliveries = FuturesUnordered::new();
        for (at, record) in records.iter().enumerate() {
            let delivery = self.producer.enqueue(record).await;
            deliveries.push(async move { (at, async { delivery?.await }.await) });
        }
        let (mut failed, mut unwritable) = (false, Unwritable::new());
        while let Some((at, result)) = deliveries.next().await {
            if let Err(error) = result {
                if !failed {
                    tracing::warn!(id = self.id, %error, "transaction is aborted and will be tried again");
                    failed = true;
                }
                if error.is_refusal() {
                    unwritable.insert(at, error);
                }
                // The client holds the others back until the transaction is aborted.
                self.producer.client().purge(PurgeConfig::default().queue().inflight());
            }
        }
        match failed {
            false => Ok(()),
            true if self.is_fenced() => Err(Failure::Ended(Error::Fenced { id: self.id.clone() })),
            true => Err(Failure::Abort(unwritable)),
        }
    }

    /// Calls `act` until it gets through; the client goes on where its last call was cut off.
    fn persist(&self, act: impl Fn() -> Result<(), KafkaError>) -> Result<(), Failure> {
        while !self.stop.is_cancelled() {
            match act() {
                Ok(()) => return Ok(()),
                Err(error) if is_passing(&error) => {
                    tracing::debug!(id = self.id, %error, "transaction waits")
                }
                Err(error) => return Err(self.judge(error)),
            }
        }
        Err(Failure::Stopped)
    }

    fn judge(&self, error: KafkaError) -> Failure {
        match error {
            _ if self.is_fenced() => Failure::Ended(Error::Fenced { id: self.id.clone() }),
            KafkaError::Transaction(error) if error.txn_requires_abort() => {
                tracing::warn!(id = self.id, %error, "transaction is aborted and will be tried again");
                Failure::Abort(Unwritable::new())
            }
            error => Failure::Ended(error.into()),
        }
    }

    fn is_fenced(&self) -> bool {
        let client: &Client<Acknowledge> = self.producer.client().client();
        let fenced = [Code::Fenced, Code::ProducerFenced, Code::InvalidProducerEpoch];
        client.fatal_error().is_some_and(|(code, _)| fenced.contains(&code))
    }
}

fn is_passing(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => error.is_retriable(),
        KafkaError::Flush(code) => *code == Code::OperationTimedOut,
        _ => false,
    }
}
