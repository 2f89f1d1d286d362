//! The seam between the publisher and Kafka: in tests something else takes the records.

use bus::{Outgoing, Producer};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;

/// Why a record was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the broker or the client says.
    pub reason: String,
    /// The broker will never take this record, however often it is sent.
    pub refused: bool,
}

/// Resolves when the record is acknowledged.
pub type Delivery = BoxFuture<'static, Result<(), Failure>>;

/// Takes records; those of one key stay in the order in which they were put in.
pub trait Outlet: Send + Sync + 'static {
    /// Puts a record in, waiting while there is no room.
    fn enqueue(&self, record: Outgoing) -> BoxFuture<'_, Result<Delivery, Failure>>;

    /// Begins anew after a failure: what was on its way is forgotten.
    fn reset(&self);
}

/// Kafka.
pub struct KafkaOutlet {
    config: bus::Config,
    producer: Mutex<Producer>,
}

impl KafkaOutlet {
    /// # Errors
    /// When a setting is wrong; a broker that is away is no error.
    pub fn new(config: &bus::Config) -> Result<Self, bus::Error> {
        Ok(KafkaOutlet { config: config.clone(), producer: Mutex::new(Producer::new(config)?) })
    }
}

impl Outlet for KafkaOutlet {
    fn enqueue(&self, record: Outgoing) -> BoxFuture<'_, Result<Delivery, Failure>> {
        let producer = self.producer.lock().clone();
        async move {
            let delivery = producer.enqueue(&record).await.map_err(failure)?;
            Ok(delivery.map(|result| result.map(|_| ()).map_err(failure)).boxed())
        }
        .boxed()
    }

    fn reset(&self) {
        match Producer::new(&self.config) {
            Ok(producer) => *self.producer.lock() = producer,
            Err(error) => tracing::error!(%error, "cannot make a new producer"),
        }
    }
}

fn failure(error: bus::Error) -> Failure {
    Failure { refused: error.is_refusal(), reason: error.to_string() }
}
