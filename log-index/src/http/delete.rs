//! What the two APIs for deletes share.

use super::{Service, error::Failure};
use crate::{DeleteError, DeleteRequest, Kind};

impl Service {
    /// Deletes what was acknowledged before this call: see [`crate::Shards::delete`].
    pub(super) async fn delete(
        &self,
        kind: Kind,
        query: String,
        span: (i64, i64),
    ) -> Result<DeleteRequest, Failure> {
        self.catch_up(self.limits().timeout).await.map_err(Failure::Busy)?;
        let (now_ms, patience) = (self.now_ns() / 1_000_000, self.limits().timeout);
        Ok(self.index().delete(kind, query, span, now_ms, patience).await?)
    }

    /// See [`crate::Shards::cancel_delete`].
    pub(super) async fn cancel_delete(&self, id: u64, force: bool) -> Result<(), Failure> {
        Ok(self.index().cancel_delete(id, force, self.limits().timeout).await?)
    }
}

impl From<DeleteError> for Failure {
    fn from(error: DeleteError) -> Self {
        use DeleteError::{Find, Group, NotFound, Query, Seal, Started, TooMany};
        match error {
            Query(_) | Started => Failure::BadData(error.to_string()),
            NotFound => Failure::NotFound(error.to_string()),
            TooMany | Group(_) => Failure::Busy(error.to_string()),
            Seal(_) | Find(_) => Failure::Internal(error.to_string()),
        }
    }
}
