//! Where an index lies: in a data directory, or in a folder or bucket that it has alone or shares with a group.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use super::Offline;
use crate::{
    OpenError,
    catalog::Catalog,
    config::S3,
    group,
    recover::{MANIFEST, read_manifest},
    storage::{Bucket, Directory, Storage, StorageError},
};

/// Bytes of each shard in a bucket that are kept on the local disk meanwhile.
const CACHE_BYTES: u64 = 64 << 20;

/// Its storages, and the catalog if it is beside them.
pub struct Place {
    name: String,
    stores: Vec<(String, Arc<dyn Storage>)>,
    catalog: Option<PathBuf>,
    /// Numbers of shards that should be there.
    pub missing: Vec<String>,
    _cache: Option<TempDir>,
}

impl Place {
    /// `place` is a data directory or the folder `index` in it, or what `index.storage` is set to.
    ///
    /// # Errors
    /// When there is no index.
    pub fn open(place: &Path) -> Result<Self, OpenError> {
        let name = place.display().to_string();
        if name.starts_with("s3://") {
            return in_bucket(name);
        }
        let inner = place.join("index");
        let path = if inner.is_dir() { &inner } else { place };
        in_folder(path)
    }

    /// As the last commits have it.
    ///
    /// # Errors
    /// When a storage cannot be listed, or nothing says what it holds.
    pub fn look(&self) -> Result<Vec<Offline>, OpenError> {
        let stores: Vec<Offline> =
            self.stores.iter().map(|store| self.look_at(store)).collect::<Result<_, _>>()?;
        match stores.iter().any(|store| store.manifest().is_some()) {
            true => Ok(stores),
            false => Err(OpenError::CatalogMissing(self.name.clone().into())),
        }
    }

    fn look_at(&self, (prefix, storage): &(String, Arc<dyn Storage>)) -> Result<Offline, StorageError> {
        let present = storage.list()?;
        let alone = present.iter().find(|(name, _)| name == MANIFEST).cloned();
        let newest = group::newest_manifest(&present).or(alone);
        let stored = newest.map(|(name, bytes)| read_manifest(storage.as_ref(), &name, bytes)).transpose();
        let catalog = self.catalog.as_ref().map(|path| match path.join("meta.json").exists() {
            true => Catalog::open(path),
            false => Err(io::Error::from(io::ErrorKind::NotFound).into()),
        });
        let present = present.into_iter().collect();
        Ok(Offline { prefix: prefix.clone(), storage: storage.clone(), present, stored, catalog })
    }
}

fn in_folder(path: &Path) -> Result<Place, OpenError> {
    let name = path.display().to_string();
    let failed = |source| OpenError::Unreadable { path: path.to_owned(), source };
    let open = |folder: &str| Ok(Arc::new(Directory::open(path.join(folder))?) as Arc<dyn Storage>);
    let is_there = |file: &str| path.join(file).exists();
    let alone = |prefix: &str, folder, catalog| {
        let stores = vec![(prefix.to_owned(), open(folder).map_err(failed)?)];
        Ok(Place { name: name.clone(), stores, catalog, missing: Vec::new(), _cache: None })
    };
    if is_there("segments") {
        return alone("segments/", "segments", Some(path.join("catalog")));
    }
    if is_there(MANIFEST) {
        return alone("", "", None);
    }
    let folders = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
    let names = folders.iter().map(|folder| folder.file_name().to_string_lossy().into_owned());
    let (shards, missing) = shards(&names.collect::<Vec<_>>());
    let stores = shards.into_iter().map(|shard| Ok((format!("{shard}/"), open(&shard)?)));
    let stores = stores.collect::<io::Result<Vec<_>>>().map_err(failed)?;
    match stores.is_empty() {
        true => Err(OpenError::NoSegments(path.to_owned())),
        false => Ok(Place { name, stores, catalog: None, missing, _cache: None }),
    }
}

/// Access to it is what the environment says.
fn in_bucket(url: String) -> Result<Place, OpenError> {
    let failed = |source| OpenError::Bucket { url: url.clone(), source };
    let cache = tempfile::tempdir().map_err(failed)?;
    let open =
        |url: &str, folder: &str| Bucket::open(url, &S3::default(), &cache.path().join(folder), CACHE_BYTES);
    let whole = open(&url, "all").map_err(failed)?;
    let (shards, missing) = shards(&whole.names().map_err(failed)?);
    let base = url.trim_end_matches('/');
    let shard = |shard: String| {
        let bucket: Arc<dyn Storage> = Arc::new(open(&format!("{base}/{shard}"), &shard)?);
        Ok((format!("{shard}/"), bucket))
    };
    let mut stores = shards.into_iter().map(shard).collect::<io::Result<Vec<_>>>().map_err(failed)?;
    if stores.is_empty() {
        stores.push((String::new(), Arc::new(whole)));
    }
    Ok(Place { stores, catalog: None, missing, _cache: Some(cache), name: url })
}

/// The shards among the names of what lies there, and those that lack between them. Beside a manifest there are none:
/// that index has the place alone.
fn shards(names: &[String]) -> (Vec<String>, Vec<String>) {
    if names.iter().any(|name| name == MANIFEST) {
        return (Vec::new(), Vec::new());
    }
    let mut numbers: Vec<u16> = names.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    let last = numbers.last().copied().unwrap_or(0);
    let missing = (0..last).filter(|number| !numbers.contains(number));
    (numbers.iter().map(u16::to_string).collect(), missing.map(|number| number.to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_with_a_manifest_has_no_shards_whatever_else_lies_there() {
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let of = |names| shards(&texts(names));
        assert_eq!(of(&["3", "other", "0", "1"]), (texts(&["0", "1", "3"]), texts(&["2"])));
        assert_eq!(of(&["0", "manifest", "3"]), (Vec::new(), Vec::new()));
    }
}
