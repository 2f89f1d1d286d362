//! Which streams match, straight from the posting lists of their labels.

use std::{
    collections::{BTreeSet, HashSet},
    ops::RangeInclusive,
    sync::OnceLock,
};

use event::{MatchOp, Matcher};
use tantivy::{
    BitSet, DocId, DocSet, InvertedIndexReader, Searcher, SegmentReader, TERMINATED, TantivyDocument,
    columnar::Column,
    postings::TermInfo,
    schema::{IndexRecordOption, Value},
};

use super::{
    CatalogError,
    schema::{self, Fields, SEPARATOR, label_term},
};
use crate::{codec::Input, columns::Kind, segment::StreamMeta};

/// The catalog as of one commit.
pub struct Listing {
    searcher: Searcher,
    fields: Fields,
    /// Distinct streams by kind; counted when somebody asks.
    fingerprints: [OnceLock<HashSet<u64>>; 2],
}

/// What a question about streams is limited to.
#[derive(Clone)]
pub struct Selection<'a> {
    pub kind: Kind,
    pub matchers: &'a [Matcher],
    pub span: RangeInclusive<i64>,
}

impl Listing {
    pub fn new(searcher: Searcher, fields: Fields) -> Self {
        Listing { searcher, fields, fingerprints: Default::default() }
    }

    /// The matching streams, each with the segment in which it is; one that is in several comes several times.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn streams(&self, selection: &Selection<'_>) -> Result<Vec<(u64, StreamMeta)>, CatalogError> {
        let mut found = Vec::new();
        for reader in self.searcher.segment_readers() {
            let part = Part::open(reader, self.fields)?;
            let documents = part.select(selection)?;
            if documents.len() == 0 {
                continue;
            }
            let store = reader.get_store_reader(1)?;
            for id in members(&documents) {
                let document: TantivyDocument = store.get(id)?;
                let bytes = document.get_first(self.fields.stream).and_then(|v| v.as_bytes());
                let meta = bytes.and_then(|b| StreamMeta::decode(&mut Input(b)).ok());
                found.push((part.segments.first(id).unwrap_or(0), meta.ok_or(CatalogError::Document(id))?));
            }
        }
        Ok(found)
    }

    /// Adds the names of the matching streams' labels.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn label_names(
        &self,
        selection: &Selection<'_>,
        names: &mut BTreeSet<String>,
    ) -> Result<(), CatalogError> {
        for reader in self.searcher.segment_readers() {
            let part = Part::open(reader, self.fields)?;
            let documents = part.select(selection)?;
            part.label_names(&documents, names)?;
        }
        Ok(())
    }

    /// Adds the values of one label of the matching streams.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn label_values(
        &self,
        name: &str,
        selection: &Selection<'_>,
        values: &mut BTreeSet<String>,
    ) -> Result<(), CatalogError> {
        for reader in self.searcher.segment_readers() {
            let part = Part::open(reader, self.fields)?;
            let documents = part.select(selection)?;
            part.for_values(name, |value, term| {
                if !values.contains(value) && part.any(term, &documents)? {
                    values.insert(value.to_owned());
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Fingerprints of all streams of a kind.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn fingerprints(&self, kind: Kind) -> Result<&HashSet<u64>, CatalogError> {
        let cell = &self.fingerprints[kind as usize];
        if let Some(known) = cell.get() {
            return Ok(known);
        }
        let mut found = HashSet::new();
        for reader in self.searcher.segment_readers() {
            let fast = reader.fast_fields();
            let (kinds, fingerprints) = (fast.u64(schema::KIND)?, fast.u64(schema::FINGERPRINT)?);
            let of_kind = |id: &DocId| kinds.first(*id) == Some(kind as u64);
            found.extend(reader.doc_ids_alive().filter(of_kind).filter_map(|id| fingerprints.first(id)));
        }
        Ok(cell.get_or_init(|| found))
    }
}

/// One of the catalog's own segments.
struct Part<'a> {
    reader: &'a SegmentReader,
    labels: std::sync::Arc<InvertedIndexReader>,
    segments: Column<u64>,
    kinds: Column<u64>,
    min: Column<i64>,
    max: Column<i64>,
}

impl<'a> Part<'a> {
    fn open(reader: &'a SegmentReader, fields: Fields) -> Result<Self, CatalogError> {
        let fast = reader.fast_fields();
        Ok(Part {
            reader,
            labels: reader.inverted_index(fields.label)?,
            segments: fast.u64(schema::SEGMENT)?,
            kinds: fast.u64(schema::KIND)?,
            min: fast.i64(schema::MIN)?,
            max: fast.i64(schema::MAX)?,
        })
    }

    fn select(&self, selection: &Selection<'_>) -> Result<BitSet, CatalogError> {
        let mut candidates: Option<BitSet> = None;
        // Those that need a label leave the fewest.
        for matcher in selection.matchers.iter().filter(|m| !m.matches_empty()) {
            let matching = self.with_value(matcher, true)?;
            candidates = Some(match candidates {
                Some(before) => collect(self.reader, members(&before).filter(|id| matching.contains(*id))),
                None => matching,
            });
        }
        let mut selected = match candidates {
            Some(candidates) => collect(self.reader, members(&candidates)),
            None => BitSet::with_max_value_and_full(self.reader.max_doc()),
        };
        for matcher in selection.matchers.iter().filter(|m| m.matches_empty()) {
            let refused = self.with_value(matcher, false)?;
            members(&refused).for_each(|id| selected.remove(id));
        }
        Ok(collect(self.reader, members(&selected).filter(|id| self.is_within(*id, selection))))
    }

    fn is_within(&self, id: DocId, selection: &Selection<'_>) -> bool {
        let overlaps = |min, max| min <= *selection.span.end() && max >= *selection.span.start();
        !self.reader.is_deleted(id)
            && self.kinds.first(id) == Some(selection.kind as u64)
            && self.min.first(id).zip(self.max.first(id)).is_some_and(|(min, max)| overlaps(min, max))
    }

    /// The documents that have the label and whose value the matcher accepts, or (`accepted` false) refuses.
    fn with_value(&self, matcher: &Matcher, accepted: bool) -> Result<BitSet, CatalogError> {
        let mut documents = BitSet::with_max_value(self.reader.max_doc());
        let mut add = |term: &TermInfo| {
            self.for_documents(term, |id| {
                documents.insert(id);
                true
            })
        };
        let single = matcher.matches(&matcher.value) == accepted && !matcher.value.is_empty();
        if single && matches!(matcher.op, MatchOp::Equal | MatchOp::NotEqual) {
            let term = self.labels.terms().get(label_term(&matcher.name, &matcher.value))?;
            term.iter().try_for_each(&mut add)?;
            return Ok(documents);
        }
        self.for_values(
            &matcher.name,
            |value, term| {
                if matcher.matches(value) == accepted { add(term) } else { Ok(()) }
            },
        )?;
        Ok(documents)
    }

    fn for_values(
        &self,
        name: &str,
        mut visit: impl FnMut(&str, &TermInfo) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        let prefix = label_term(name, "");
        let mut terms = self.labels.terms().range().ge(&prefix).into_stream()?;
        while let Some((term, info)) = terms.next() {
            let Some(value) = term.strip_prefix(prefix.as_slice()) else { break };
            if let Ok(value) = std::str::from_utf8(value) {
                visit(value, info)?;
            }
        }
        Ok(())
    }

    fn label_names(&self, documents: &BitSet, names: &mut BTreeSet<String>) -> Result<(), CatalogError> {
        let mut from = Vec::new();
        loop {
            let mut terms = self.labels.terms().range().ge(&from).into_stream()?;
            let Some(name) = self.next_name(&mut terms, documents, names)? else { return Ok(()) };
            // Go on behind all values of this name: they cannot add to it.
            from = label_term(&name, "");
            from.push(SEPARATOR);
            names.insert(name);
        }
    }

    /// The name of the next term that a selected document has and `names` has not.
    fn next_name(
        &self,
        terms: &mut tantivy::termdict::TermStreamer<'_>,
        documents: &BitSet,
        names: &BTreeSet<String>,
    ) -> Result<Option<String>, CatalogError> {
        while let Some((term, info)) = terms.next() {
            let name = term.split(|byte| *byte == SEPARATOR).next().unwrap_or_default();
            let Ok(name) = std::str::from_utf8(name) else { continue };
            if names.contains(name) || self.any(info, documents)? {
                return Ok(Some(name.to_owned()));
            }
        }
        Ok(None)
    }

    fn any(&self, term: &TermInfo, documents: &BitSet) -> Result<bool, CatalogError> {
        let mut found = false;
        self.for_documents(term, |id| {
            found = documents.contains(id);
            !found
        })?;
        Ok(found)
    }

    /// Visits the documents of a term until `visit` has had enough.
    fn for_documents(
        &self,
        term: &TermInfo,
        mut visit: impl FnMut(DocId) -> bool,
    ) -> Result<(), CatalogError> {
        let mut postings = self.labels.read_postings_from_terminfo(term, IndexRecordOption::Basic)?;
        while postings.doc() != TERMINATED && visit(postings.doc()) {
            postings.advance();
        }
        Ok(())
    }
}

fn collect(reader: &SegmentReader, ids: impl Iterator<Item = DocId>) -> BitSet {
    let mut set = BitSet::with_max_value(reader.max_doc());
    ids.for_each(|id| {
        set.insert(id);
    });
    set
}

fn members(set: &BitSet) -> impl Iterator<Item = DocId> + '_ {
    (0..set.max_value().div_ceil(64)).flat_map(|bucket| {
        let mut bits = set.tinyset(bucket);
        std::iter::from_fn(move || bits.pop_lowest()).map(move |bit| bucket * 64 + bit)
    })
}
