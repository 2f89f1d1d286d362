//! What the handlers share.

use std::{sync::Arc, time::SystemTime};

use promql::Features;
use tokio::sync::Semaphore;

use super::{Ends, Limits};
use crate::Shards;

/// The query service over the indexes of a process. Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    index: Shards,
    ends: Option<Arc<dyn Ends>>,
    clock: fn() -> i64,
    limits: Limits,
    tenants: bool,
    features: Features,
    started_ns: i64,
    queries: Arc<Semaphore>,
    tails: Arc<Semaphore>,
}

impl Service {
    /// Answers from `index`. With `ends`, each query first waits until the index has read what its topics held
    /// when the query came; without, it answers from what the index has.
    pub fn new(index: impl Into<Shards>, ends: Option<Arc<dyn Ends>>, limits: Limits) -> Self {
        Self::with_clock(index, ends, limits, now_ns)
    }

    /// The same with a clock of the caller's: nanoseconds since 1970.
    pub fn with_clock(
        index: impl Into<Shards>,
        ends: Option<Arc<dyn Ends>>,
        limits: Limits,
        clock: fn() -> i64,
    ) -> Self {
        let index = index.into();
        let queries = Arc::new(Semaphore::new(limits.max_queries));
        let tails = Arc::new(Semaphore::new(limits.max_tails));
        Service(Arc::new(Inner {
            index,
            ends,
            clock,
            limits,
            tenants: false,
            features: Features::default(),
            started_ns: clock(),
            queries,
            tails,
        }))
    }

    /// The same service; with `apart` everyone has to say for which tenant they ask.
    pub fn with_tenants(self, apart: bool) -> Self {
        Service(Arc::new(Inner { tenants: apart, ..(*self.0).clone() }))
    }

    /// The same service; queries may use these features of PromQL.
    pub fn with_features(self, features: Features) -> Self {
        Service(Arc::new(Inner { features, ..(*self.0).clone() }))
    }

    pub(super) fn features(&self) -> Features {
        self.0.features
    }

    pub(super) fn keeps_tenants_apart(&self) -> bool {
        self.0.tenants
    }

    pub(super) fn index(&self) -> &Shards {
        &self.0.index
    }

    pub(super) fn ends(&self) -> Option<&dyn Ends> {
        self.0.ends.as_deref()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Nanoseconds since 1970.
    pub(super) fn now_ns(&self) -> i64 {
        (self.0.clock)()
    }

    /// When the service was made, likewise.
    pub(super) fn started_ns(&self) -> i64 {
        self.0.started_ns
    }

    /// One permit for each query that may be evaluated.
    pub(super) fn queries(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.queries)
    }

    /// One permit for each live tail.
    pub(super) fn tails(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.tails)
    }
}

fn now_ns() -> i64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX)
}
