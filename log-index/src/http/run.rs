//! Evaluation on threads of its own: so many at once, for so long, and no longer than the client waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use super::{Service, error::Failure};
use crate::{Scope, Snapshot};

/// Asked by an evaluation now and then: whether nobody waits for its answer any more.
pub(super) type Cancelled<'a> = &'a dyn Fn() -> bool;

/// What a query reads.
pub(super) struct View {
    pub snapshot: Snapshot,
    stale: Option<String>,
}

impl View {
    /// What the reader of the answer should know, as of now: about what may be missing, and about what could
    /// not be read.
    pub fn warnings(&self) -> Vec<String> {
        self.stale.iter().cloned().chain(self.snapshot.notices()).collect()
    }
}

impl Service {
    /// Waits until the index has what was acknowledged before this call, then runs `work` on it: see
    /// [`Service::run`].
    pub(super) async fn ask<T, F>(&self, wanted: Option<Duration>, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&View, Cancelled<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.ask_in(Scope::default(), wanted, work).await
    }

    /// The same for a reader who sees `scope`.
    pub(super) async fn ask_in<T, F>(
        &self,
        scope: Scope,
        wanted: Option<Duration>,
        work: F,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&View, Cancelled<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let stale = self.catch_up(self.limits().max_freshness_wait).await.err();
        let view = View { snapshot: self.index().snapshot().scoped(scope), stale };
        self.run(wanted, move |cancelled| work(&view, cancelled)).await
    }

    /// Runs `work` within the service's limits and at most for `wanted`, if the client says so. When this future
    /// is dropped, because the client hung up, `work` is told.
    ///
    /// # Errors
    /// Those of `work`; when there is no place for it or it takes too long.
    pub(super) async fn run<T, F>(&self, wanted: Option<Duration>, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(Cancelled<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let limit = wanted.unwrap_or(Duration::MAX).min(self.limits().timeout);
        let deadline = Instant::now() + limit;
        let place = timeout_at(deadline, self.queries().acquire_owned()).await;
        let place = place.map_err(|_| self.busy())?.map_err(|_| Failure::Cancelled)?;
        if Instant::now() >= deadline {
            return Err(Failure::TimedOut(limit));
        }
        let work = blocking(move |cancelled| {
            let _place = place;
            work(cancelled)
        });
        timeout_at(deadline, work).await.unwrap_or(Err(Failure::TimedOut(limit)))
    }

    fn busy(&self) -> Failure {
        let limit = self.limits().max_queries;
        Failure::Busy(format!("too many queries at once (limit: {limit}): try again later"))
    }
}

/// Runs `work` where blocking is allowed. When this future is dropped, `work` is told.
///
/// # Errors
/// Those of `work`.
pub(super) async fn blocking<T, F>(work: F) -> Result<T, Failure>
where
    T: Send + 'static,
    F: FnOnce(Cancelled<'_>) -> Result<T, Failure> + Send + 'static,
{
    let gone = Arc::new(AtomicBool::new(false));
    let _guard = SetOnDrop(Arc::clone(&gone));
    let task = spawn_blocking(move || work(&|| gone.load(Ordering::Relaxed)));
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a query's evaluation broke off");
        Err(Failure::Internal("the evaluation broke off; the service's log says where".into()))
    })
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::sync::oneshot;

    use super::*;
    use crate::{Config, Index, http::Limits};

    fn service(folder: &tempfile::TempDir, limits: Limits) -> Service {
        Service::new(Index::open(folder.path(), &Config::default()).unwrap(), None, limits)
    }

    /// Work that goes on until it is told to stop, and then says so.
    fn endless() -> (impl FnOnce(Cancelled<'_>) -> Result<(), Failure>, oneshot::Receiver<()>) {
        let (stopped, told) = oneshot::channel();
        let work = |cancelled: Cancelled<'_>| {
            while !cancelled() {
                thread::yield_now();
            }
            let _ = stopped.send(());
            Err(Failure::Cancelled)
        };
        (work, told)
    }

    #[tokio::test]
    async fn work_that_takes_too_long_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let service = service(&folder, Limits::default());
        let mut limit = Duration::from_millis(2);
        loop {
            let (work, told) = endless();
            assert_eq!(service.run(Some(limit), work).await, Err(Failure::TimedOut(limit)));
            if told.await.is_ok() {
                return;
            }
            // It had not even begun.
            limit *= 2;
        }
    }

    #[tokio::test]
    async fn work_stops_when_the_client_hangs_up() {
        let folder = tempfile::tempdir().unwrap();
        let service = service(&folder, Limits::default());
        let (work, told) = endless();
        let (started, begun) = oneshot::channel();
        let request = service.run(None, move |cancelled| {
            let _ = started.send(());
            work(cancelled)
        });
        tokio::select! {
            _ = request => panic!("the work ended by itself"),
            () = async { begun.await.unwrap() } => {}
        }
        told.await.unwrap();
    }

    #[tokio::test]
    async fn work_without_a_place_is_refused_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let service = service(&folder, Limits { max_queries: 1, ..Limits::default() });
        let place = service.queries().acquire_owned().await.unwrap();
        let short = Some(Duration::from_millis(2));
        let refused = service.run(short, |_| Ok(())).await;
        assert!(matches!(refused, Err(Failure::Busy(_))), "{refused:?}");
        drop(place);
        assert_eq!(service.run(None, |_| Ok(())).await, Ok(()));
    }

    #[tokio::test]
    async fn work_that_breaks_off_takes_nothing_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let service = service(&folder, Limits { max_queries: 1, ..Limits::default() });
        let broken: Result<(), _> = service.run(None, |_| panic!("a defect")).await;
        assert!(matches!(broken, Err(Failure::Internal(_))), "{broken:?}");
        assert_eq!(service.run(None, |_| Ok(())).await, Ok(()));
    }
}
