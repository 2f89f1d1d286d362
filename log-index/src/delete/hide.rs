//! What a delete hides.

use std::{ops::RangeInclusive, sync::Arc};

use event::{Labels, Matcher};
use logql::{Expr, LineFilter};

use super::DeleteRequest;
use crate::{
    Kind,
    catalog::{CatalogError, Manifest},
    columns::Rows,
    segment::{BlockPart, Damage},
    state::Sealed,
};

/// A request with its query understood.
pub struct Delete {
    pub id: u64,
    pub kind: Kind,
    query: String,
    pub matchers: Vec<Matcher>,
    pub span: RangeInclusive<i64>,
    filters: Vec<LineFilter>,
}

impl Delete {
    /// # Errors
    /// When the query is none, or more than selectors and line filters.
    pub fn new(id: u64, request: &DeleteRequest) -> Result<Self, String> {
        let (matchers, filters) = match request.kind {
            Kind::Logs => of_logs(&request.query)?,
            Kind::Metrics => (promql::parse_selector(&request.query).map_err(|e| e.to_string())?, Vec::new()),
        };
        if matchers.iter().all(Matcher::matches_empty) {
            return Err("a delete needs at least one matcher that does not match the empty string".into());
        }
        let (kind, query, span) = (request.kind, request.query.clone(), request.start..=request.end);
        Ok(Delete { id, kind, query, matchers, span, filters })
    }

    /// Whether it is what `request` asks for. Ids begin again when a group's topics are made anew.
    fn is(&self, request: &DeleteRequest) -> bool {
        (self.id, self.kind, &self.query) == (request.id, request.kind, &request.query)
            && self.span == (request.start..=request.end)
    }

    /// Whether a row of a stream that it matches is hidden.
    ///
    /// # Errors
    /// When its line is damaged.
    pub fn hides(&self, rows: &impl Rows, row: usize) -> Result<bool, Damage> {
        Ok(self.span.contains(&rows.timestamp(row)) && rows.passes(row, &self.filters)?)
    }

    /// Whether it may hide rows of a stream.
    pub fn concerns(&self, kind: Kind, labels: &Labels) -> bool {
        self.kind == kind && self.matchers.iter().all(|matcher| matcher.matches_labels(labels))
    }

    /// Whether it hides all of a part of a stream that it matches.
    pub fn hides_all(&self, part: &BlockPart) -> bool {
        self.filters.is_empty() && self.span.contains(&part.min) && self.span.contains(&part.max)
    }
}

fn of_logs(query: &str) -> Result<(Vec<Matcher>, Vec<LineFilter>), String> {
    let Expr::Log(log) = logql::parse(query).map_err(|e| e.to_string())? else {
        return Err("a delete takes a selector and line filters, not a metric query".into());
    };
    let filters = log.leading_filters();
    match filters.len() == log.stages.len() {
        true => Ok((log.matchers, filters)),
        false => Err("a delete takes a selector and line filters, no other stages".into()),
    }
}

impl Sealed {
    /// The deletes that a segment still holds something of.
    pub fn deletes_in(&self, segment: u64) -> impl Iterator<Item = &Arc<Delete>> {
        let deletes = &self.manifest.deletes;
        let is_pending = move |delete: &&Arc<Delete>| {
            deletes.get(&delete.id).is_some_and(|request| request.pending.contains(&segment))
        };
        self.deletes.iter().filter(is_pending)
    }
}

/// The deletes of a manifest that are not done, oldest first; `known` ones need not be understood again.
///
/// # Errors
/// When one cannot be understood: a later release may have written it.
pub fn understand(manifest: &Manifest, known: &[Arc<Delete>]) -> Result<Vec<Arc<Delete>>, CatalogError> {
    let understood = |request: &DeleteRequest| {
        if let Some(delete) = known.iter().find(|delete| delete.is(request)) {
            return Ok(delete.clone());
        }
        let delete = Delete::new(request.id, request);
        delete.map(Arc::new).map_err(|reason| CatalogError::Delete { id: request.id, reason })
    };
    manifest.deletes.values().filter(|request| !request.is_processed()).map(understood).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_delete_is_not_taken_for_another_one_of_its_id() {
        let understood = |query, end, known: &[Arc<Delete>]| {
            let mut request = DeleteRequest::new(Kind::Logs, query, (0, end), 7);
            (request.id, request.pending) = (1, [1].into());
            let manifest = Manifest { deletes: [(1, request)].into(), ..Manifest::default() };
            understand(&manifest, known).unwrap()
        };
        let known = understood("{a=\"b\"}", 9, &[]);
        assert!(Arc::ptr_eq(&understood("{a=\"b\"}", 9, &known)[0], &known[0]));
        assert_eq!(understood("{a=\"c\"}", 9, &known)[0].query, "{a=\"c\"}");
        assert_eq!(understood("{a=\"b\"}", 8, &known)[0].span, 0..=8);
    }
}
