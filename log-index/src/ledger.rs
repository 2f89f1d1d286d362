//! Who may change the segments, and how a change becomes true.

use std::sync::Arc;

use crate::{
    catalog::{CatalogError, Manifest},
    recover::put_manifest,
    storage::Storage,
};

/// Where the newest manifest is known.
pub trait Ledger: Send + Sync {
    /// Whether this process may change the segments.
    fn is_owner(&self) -> bool;

    /// Whether there are other processes that may.
    fn is_shared(&self) -> bool {
        false
    }

    /// What was published could not be carried out here: whoever begins anew with it owns the segments next.
    fn give_up(&self) {}

    /// Makes a manifest true.
    ///
    /// # Errors
    /// When it is not; the one before is then.
    fn publish(&self, manifest: &Manifest) -> Result<(), CatalogError>;
}

/// Of an index that no other process shares: the manifest has its place beside the segments.
pub struct Alone(pub Arc<dyn Storage>);

impl Ledger for Alone {
    fn is_owner(&self) -> bool {
        true
    }

    fn publish(&self, manifest: &Manifest) -> Result<(), CatalogError> {
        put_manifest(self.0.as_ref(), manifest)
    }
}
