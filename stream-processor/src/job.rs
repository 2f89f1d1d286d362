//! What the driver runs: a job reads topics and gives outputs; a sink takes these, together with how far the
//! input was read for them.

use bus::{Consumer, Offsets, Outgoing, Producer, Record};
use futures::future::join_all;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// Reads topics, gives outputs. Its state is what the topics say, so that a restart needs nothing else.
pub trait Job {
    /// What the sink takes.
    type Output;

    /// Name under which offsets are committed.
    fn group(&self) -> &str;

    /// The topics to read.
    fn topics(&self) -> Vec<String>;

    /// Brings the state back; gives where to begin to read, the first record where nothing is given.
    ///
    /// # Errors
    /// When the broker does not answer.
    fn restore(&mut self, consumer: &Consumer) -> Result<Offsets, bus::Error>;

    /// Takes in one record.
    ///
    /// # Errors
    /// When the record cannot be read; the driver puts it into the dead-letter topic.
    fn take(&mut self, record: &Record) -> Result<(), event::DecodeError>;

    /// What can be given now.
    fn outputs(&mut self) -> Vec<Self::Output>;

    /// Committed with the offsets, for [`Job::restore`].
    fn mark(&self) -> String;
}

/// Where outputs go.
pub trait Sink<T> {
    /// Writes `outputs`, then marks the input up to `read` as done. Waits for a broker or target that is
    /// away; `false` if it was told to stop meanwhile, nothing is marked then.
    ///
    /// # Errors
    /// When it fails for good.
    fn commit(&mut self, outputs: Vec<T>, read: &Offsets, mark: &str) -> Result<bool, bus::Error>;
}

/// Writes to topics. Outputs are acknowledged before the input is marked: after a crash between the two the
/// job writes the same again, at the same positions.
pub struct TopicSink<'a> {
    /// Marks the input.
    pub consumer: &'a Consumer,
    /// Writes.
    pub producer: Producer,
    /// Waits for acknowledgements.
    pub runtime: Handle,
    /// Ends all waiting.
    pub shutdown: CancellationToken,
}

impl Sink<Outgoing> for TopicSink<'_> {
    fn commit(&mut self, outputs: Vec<Outgoing>, read: &Offsets, mark: &str) -> Result<bool, bus::Error> {
        fault::point("processor.commit.before-outputs");
        let written = self.runtime.block_on(self.shutdown.run_until_cancelled(self.write(outputs)));
        if written.is_none() {
            return Ok(false);
        }
        fault::point("processor.commit.after-outputs");
        if read.iter().next().is_some() {
            self.consumer.commit(read, mark)?;
            fault::point("processor.commit.after-offsets");
        }
        Ok(true)
    }
}

impl TopicSink<'_> {
    async fn write(&self, outputs: Vec<Outgoing>) {
        let mut deliveries = Vec::with_capacity(outputs.len());
        for output in outputs {
            match self.producer.enqueue(output).await {
                Ok(delivery) => deliveries.push(delivery),
                Err(error) => refused(&error),
            }
        }
        for delivery in join_all(deliveries).await {
            delivery.unwrap_or_else(|error| {
                refused(&error);
                (0, 0)
            });
        }
    }
}

/// A record that can never be written, for example because it is too large, must not stop all others.
fn refused(error: &bus::Error) {
    telemetry::REFUSED_RECORDS.inc();
    tracing::error!(%error, "kafka refuses a result");
}
