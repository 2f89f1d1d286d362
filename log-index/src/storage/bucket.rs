//! Objects in a bucket of S3 or what speaks its protocol, with a cache on the local disk.

use std::{
    future::Future,
    io::{self, ErrorKind},
    path::Path,
    sync::{Arc, mpsc},
    time::Duration,
};

use config::Secret;
use object_store::{
    ClientOptions, ListResult, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    buffered::BufWriter,
    path::Path as Key,
};
use tokio::runtime::Runtime;

use super::{
    ObjectWriter, Room, Storage, StorageError,
    cache::{Cache, PIECE},
    failed,
    upload::Upload,
};
use crate::{config::S3, segment};

/// Objects up to this size are written in one request, larger ones in parts of it.
const PART: usize = 8 << 20;

/// Of an object that is being written.
const PARTS_AT_ONCE: usize = 2;

/// The longest that one request may take, and all attempts together.
const REQUEST: Duration = Duration::from_secs(30);
const ATTEMPTS: Duration = Duration::from_secs(10);

/// A bucket, or what lies under a prefix in it.
pub struct Bucket(Arc<Inner>);

/// What uploads share with it.
pub struct Inner {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    pub cache: Cache,
    /// `None` while it ends.
    runtime: Option<Runtime>,
}

impl Bucket {
    /// # Errors
    /// When the URL or the settings make no sense, or the cache's folder cannot be made.
    pub fn open(url: &str, settings: &S3, cache: &Path, cache_bytes: u64) -> io::Result<Self> {
        let (bucket, prefix) = split(url)?;
        // The first choice of the process stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = builder(settings).with_bucket_name(bucket).build().map_err(io::Error::other)?;
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).thread_name("index-bucket").enable_all().build()?;
        Ok(Bucket(Arc::new(Inner {
            store: Arc::new(store),
            prefix: Key::from(prefix),
            cache: Cache::open(cache.to_owned(), cache_bytes)?,
            runtime: Some(runtime),
        })))
    }

    /// Names of the objects and folders in it.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let ListResult { common_prefixes, objects, .. } = self.0.list()?;
        let keys = objects.iter().map(|object| &object.location).chain(&common_prefixes);
        Ok(keys.filter_map(|key| key.filename().map(str::to_owned)).collect())
    }
}

/// Bucket and prefix of `s3://bucket/prefix`.
fn split(url: &str) -> io::Result<(&str, &str)> {
    let rest = url.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")));
    rest.filter(|(bucket, _)| !bucket.is_empty()).ok_or_else(|| {
        io::Error::new(
            ErrorKind::InvalidInput,
            "neither a bucket nor a folder: write s3://bucket, s3://bucket/prefix or an absolute path",
        )
    })
}

/// What the settings do not say comes from the environment, under the names that all clients of S3 know.
fn builder(settings: &S3) -> AmazonS3Builder {
    let S3 { endpoint, region, access_key_id, secret_access_key } = settings;
    let builder = AmazonS3Builder::from_env();
    let endpoint = endpoint.clone().or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint));
    let plain = endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let client =
        ClientOptions::new().with_timeout(REQUEST).with_connect_timeout(ATTEMPTS).with_allow_http(plain);
    let retry = RetryConfig { max_retries: 3, retry_timeout: ATTEMPTS, ..RetryConfig::default() };
    let builder = builder.with_client_options(client).with_retry(retry);
    let settings = [
        (AmazonS3ConfigKey::Endpoint, endpoint.as_deref()),
        (AmazonS3ConfigKey::Region, region.as_deref()),
        (AmazonS3ConfigKey::AccessKeyId, access_key_id.as_deref()),
        (AmazonS3ConfigKey::SecretAccessKey, secret_access_key.as_ref().map(Secret::expose)),
    ];
    let given = settings.into_iter().filter_map(|(key, value)| Some((key, value?)));
    given.fold(builder, |builder, (key, value)| builder.with_config(key, value))
}

impl Inner {
    fn key(&self, name: &str) -> Key {
        self.prefix.clone().join(name)
    }

    /// Waits for `work` in any thread, also in one of another runtime.
    pub fn wait<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> io::Result<T> {
        let (done, result) = mpsc::sync_channel(1);
        self.start(async move {
            // Whoever waits may be gone.
            let _ = done.send(work.await);
        });
        result.recv().map_err(io::Error::other)
    }

    pub fn start(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(work);
        }
    }

    fn piece(&self, name: &str, piece: u64) -> io::Result<Vec<u8>> {
        let is_kept = is_kept(name);
        if is_kept && let Some(content) = self.cache.get(name, piece) {
            return Ok(content);
        }
        let (store, key) = (self.store.clone(), self.key(name));
        let range = piece * PIECE..(piece + 1) * PIECE;
        let content = self.wait(async move { store.get_range(&key, range).await })?;
        let content = content.map_err(as_io)?.to_vec();
        if is_kept {
            self.cache.put(name, piece, &content);
        }
        Ok(content)
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let end = offset.checked_add(length as u64).ok_or(ErrorKind::UnexpectedEof)?;
        let mut content = Vec::new();
        for piece in offset / PIECE..end.div_ceil(PIECE) {
            let whole = self.piece(name, piece)?;
            let within = |at: u64| usize::try_from(at.saturating_sub(piece * PIECE).min(PIECE)).unwrap_or(0);
            content.extend(whole.get(within(offset)..within(end)).ok_or(ErrorKind::UnexpectedEof)?);
        }
        Ok(content)
    }

    fn list(&self) -> io::Result<ListResult> {
        let (store, prefix) = (self.store.clone(), self.prefix.clone());
        self.wait(async move { store.list_with_delimiter(Some(&prefix)).await })?.map_err(as_io)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Dropped as it is, a runtime waits, which it must not do inside of another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Segments never change; the manifest does.
pub fn is_kept(name: &str) -> bool {
    segment::id(name).is_some()
}

pub fn as_io(error: object_store::Error) -> io::Error {
    match error {
        object_store::Error::NotFound { .. } => ErrorKind::NotFound.into(),
        other => io::Error::other(other),
    }
}

impl Storage for Bucket {
    fn create(&self, name: &str) -> Result<Box<dyn ObjectWriter>, StorageError> {
        let inner = self.0.clone();
        let writer = BufWriter::with_capacity(inner.store.clone(), inner.key(name), PART);
        Ok(Box::new(Upload::new(inner, name, writer.with_max_concurrency(PARTS_AT_ONCE))))
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, StorageError> {
        self.0.read(name, offset, length).map_err(failed("read", name))
    }

    fn list(&self) -> Result<Vec<(String, u64)>, StorageError> {
        let found = self.0.list().map_err(failed("list", self.0.prefix.as_ref()))?;
        let object = |object: ObjectMeta| Some((object.location.filename()?.to_owned(), object.size));
        Ok(found.objects.into_iter().filter_map(object).collect())
    }

    fn room(&self) -> Option<Room> {
        None
    }

    /// Does not wait: segments are removed when their last reader goes, wherever that is. What stays is removed at
    /// the next start.
    fn delete(&self, name: &str) -> Result<(), StorageError> {
        self.0.cache.remove(name);
        let (store, key) = (self.0.store.clone(), self.0.key(name));
        self.0.start(async move {
            fault::point("index.bucket.before-delete");
            if let Err(error) = store.delete(&key).await {
                tracing::warn!(%key, %error, "object stays in the bucket");
            }
            fault::point("index.bucket.after-delete");
        });
        Ok(())
    }
}
