//! What lies beside the segments and is no part of the index.

use std::collections::BTreeSet;

use super::{Offline, Problem};
use crate::{group, recover::MANIFEST, segment, storage::UNFINISHED};

const REASON: &str = "no part of the index: a copy, a leftover or of somebody else";

/// What was there before and still is: a running index writes and removes segments meanwhile.
pub fn strangers(before: &[Offline], now: &[Offline]) -> Vec<Problem> {
    let [before, now] = [before, now].map(names);
    before.intersection(&now).map(|file| Problem::of_file(file.clone(), REASON.into())).collect()
}

fn names(stores: &[Offline]) -> BTreeSet<String> {
    let strange = stores.iter().flat_map(|store| {
        let names = store.present.keys().filter(|name| store.is_stranger(name));
        names.map(|name| format!("{}{name}", store.prefix))
    });
    strange.collect()
}

impl Offline {
    fn is_stranger(&self, name: &str) -> bool {
        let is_unfinished = name.ends_with(UNFINISHED);
        let is_manifest = name == MANIFEST || group::is_manifest(name);
        let listed = |id: &u64| self.manifest().is_none_or(|m| m.segments.contains_key(id));
        let is_segment = segment::id(name).filter(listed).is_some_and(|id| segment::name(id) == name);
        !(is_unfinished || is_manifest || is_segment)
    }
}
