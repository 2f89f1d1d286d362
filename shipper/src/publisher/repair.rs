//! What becomes of records that Kafka did not take: the dead-letter topic, or another attempt in their order.

use std::{
    sync::{Weak, atomic::Ordering},
    time::Duration,
};

use bus::Outgoing;

use super::{Inner, parcel::Parcel};
use crate::{outlet::Failure, telemetry};

/// Before what failed is sent again.
const PAUSE: Duration = Duration::from_millis(200);

impl Inner {
    /// `Err`: the record has to be sent again.
    pub(super) async fn judge(&self, record: Outgoing, result: Result<(), Failure>) -> Result<(), Outgoing> {
        let Err(failure) = result else { return Ok(()) };
        if failure.refused && record.topic != self.topics.dead_letter {
            tracing::warn!(
                topic = record.topic,
                reason = failure.reason,
                "record refused, goes to the dead-letter topic"
            );
            telemetry::DEAD_LETTERS.inc();
            return match self.bury(&record, &failure.reason).await {
                Ok(()) => Ok(()),
                Err(failure) => {
                    tracing::warn!(reason = failure.reason, "dead-letter topic fails, trying again");
                    Err(record)
                }
            };
        }
        tracing::warn!(topic = record.topic, reason = failure.reason, "record not written, sending it again");
        telemetry::RETRIES.inc();
        Err(record)
    }

    async fn bury(&self, record: &Outgoing, reason: &str) -> Result<(), Failure> {
        for letter in bus::dead_letter::letters(record, reason, &self.topics.dead_letter) {
            self.outlet.enqueue(letter).await?.await?;
        }
        Ok(())
    }

    /// Sends a parked parcel again; gives it back if it fails again.
    async fn resend(&self, mut parcel: Parcel) -> Result<(), Parcel> {
        while let Some(record) = parcel.records.first().cloned() {
            let result = match self.outlet.enqueue(record.clone()).await {
                Ok(delivery) => delivery.await,
                Err(failure) => Err(failure),
            };
            if self.judge(record, result).await.is_err() {
                return Err(parcel);
            }
            parcel.records.remove(0);
        }
        self.finish(parcel);
        Ok(())
    }
}

/// Sends again what failed, in order, while nothing else is on its way.
pub(super) async fn repair(inner: Weak<Inner>) {
    loop {
        let Some(inner) = inner.upgrade() else { return };
        tokio::select! {
            () = inner.repair.notified() => {}
            // Looks now and then whether the publisher is still there.
            () = tokio::time::sleep(Duration::from_secs(10)) => continue,
        }
        let _gate = inner.gate.write().await;
        while inner.travelling.load(Ordering::SeqCst) > 0 {
            inner.arrived.notified().await;
        }
        let mut fresh = false;
        while let Some((number, parcel)) = { inner.failed.lock().pop_first() } {
            if !fresh {
                tokio::time::sleep(PAUSE).await;
                inner.outlet.reset();
                fresh = true;
            }
            if let Err(parcel) = inner.resend(parcel).await {
                inner.failed.lock().insert(number, parcel);
                fresh = false;
            }
        }
    }
}
