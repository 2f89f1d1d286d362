//! What the two APIs for deletes share.

use super::{Service, error::Failure, run::blocking};
use crate::{DeleteError, DeleteRequest, Kind};

impl Service {
    /// Deletes what was acknowledged before this call: see [`crate::Index::delete`].
    pub(super) async fn delete(
        &self,
        kind: Kind,
        query: String,
        span: (i64, i64),
    ) -> Result<DeleteRequest, Failure> {
        self.catch_up(self.limits().timeout).await.map_err(Failure::Busy)?;
        let (index, now_ms) = (self.index().clone(), self.now_ns() / 1_000_000);
        blocking(move |_| Ok(index.delete(kind, &query, span, now_ms)?)).await
    }

    /// See [`crate::Index::cancel_delete`].
    pub(super) async fn cancel_delete(&self, id: u64, force: bool) -> Result<(), Failure> {
        let index = self.index().clone();
        blocking(move |_| Ok(index.cancel_delete(id, force)?)).await
    }
}

impl From<DeleteError> for Failure {
    fn from(error: DeleteError) -> Self {
        use DeleteError::{Find, NotFound, Query, Seal, Started, TooMany};
        match error {
            Query(_) | Started => Failure::BadData(error.to_string()),
            NotFound => Failure::NotFound(error.to_string()),
            TooMany => Failure::Busy(error.to_string()),
            Seal(_) | Find(_) => Failure::Internal(error.to_string()),
        }
    }
}
