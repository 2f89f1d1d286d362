//! `detected_fields` and `detected_field/{name}/values`: what the newest lines of a query hold.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    extract::{Path, State},
    response::Response,
};
use logql::{Expr, LogExpr, Options, Range, StreamAnswer, Value, value_kind};
use serde::Serialize;

use crate::{
    DetectedLevel, Scope,
    http::{
        Service,
        error::Failure,
        loki::{
            Error,
            levels::Leveled,
            request::{QUERY_SINCE_NS, Span},
            response,
        },
        params::Params,
        run::View,
    },
};

/// Lines that are looked at, unless `line_limit` says otherwise.
const LINES: usize = 1_000;
/// Fields or values in an answer, unless `limit` says otherwise.
const LIMIT: usize = 1_000;
/// Finds the fields of lines whose query has no parser.
const PARSERS: &str = "| json | logfmt | drop __error__, __error_details__";
/// What parsers leave behind is no field.
const ERRORS: [&str; 2] = ["__error__", "__error_details__"];

/// What is known of one field.
#[derive(Default)]
struct Field {
    values: BTreeSet<String>,
    /// Empty for metadata.
    parsers: BTreeSet<&'static str>,
}

#[derive(Serialize)]
struct Fields<'a> {
    fields: Vec<Detected<'a>>,
    limit: usize,
}

#[derive(Serialize)]
struct Detected<'a> {
    label: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    cardinality: usize,
    parsers: Option<&'a BTreeSet<&'static str>>,
}

#[derive(Serialize)]
struct Values<'a> {
    values: Vec<&'a String>,
    limit: usize,
}

/// Names, types and numbers of values.
pub(in crate::http::loki) async fn fields(
    State(service): State<Service>,
    scope: Scope,
    params: Params,
) -> Result<Response, Error> {
    let limit = limit(&params)?;
    let print = move |found: &BTreeMap<String, Field>| {
        let fields = found.iter().take(limit).map(|(label, field)| field.detected(label)).collect();
        response::to_json(&Fields { fields, limit })
    };
    found(&service, scope, &params, print).await
}

/// The values of one field, sorted.
pub(in crate::http::loki) async fn values(
    State(service): State<Service>,
    scope: Scope,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Error> {
    let limit = limit(&params)?;
    let print = move |found: &BTreeMap<String, Field>| {
        let values = found.get(&name).into_iter().flat_map(|field| &field.values).take(limit).collect();
        response::to_json(&Values { values, limit })
    };
    found(&service, scope, &params, print).await
}

fn limit(params: &Params) -> Result<usize, Failure> {
    Ok(params.number("limit")?.unwrap_or(LIMIT))
}

async fn found(
    service: &Service,
    scope: Scope,
    params: &Params,
    print: impl FnOnce(&BTreeMap<String, Field>) -> Vec<u8> + Send + 'static,
) -> Result<Response, Error> {
    let Span { start, end } = Span::of(params, service.now_ns(), QUERY_SINCE_NS)?;
    let (max_entries, max_bytes) = (service.limits().max_entries, service.limits().max_bytes);
    let lines = params.number("line_limit")?.unwrap_or(LINES).min(max_entries);
    let query = logql::parse_log(params.query(service.limits().max_query_bytes)?)?;
    let levels = service.index().config().detected_level != DetectedLevel::Never;
    let range = Range { start_ns: start, end_ns: end, step_ns: 1 };
    let body = service.ask_in(scope.with_derived(), None, move |view, cancelled| {
        let options = Options { limit: lines, max_bytes, cancelled: Some(cancelled), ..Options::default() };
        let streams = newest(&with_parsers(query)?, view, &range, levels, &options)?;
        Ok(print(&collected(&streams)))
    });
    Ok(response::json(body.await?))
}

fn with_parsers(query: LogExpr) -> Result<LogExpr, Failure> {
    match query.has_parser() {
        true => Ok(query),
        false => Ok(logql::parse_log(&format!("{query} {PARSERS}"))?),
    }
}

fn newest(
    query: &LogExpr,
    view: &View,
    range: &Range,
    levels: bool,
    options: &Options<'_>,
) -> Result<Vec<StreamAnswer>, Failure> {
    let expr = Expr::Log(query.clone());
    let answer = match levels {
        true => logql::query_range(&expr, &Leveled(&view.snapshot), range, options)?,
        false => logql::query_range(&expr, &view.snapshot, range, options)?,
    };
    Ok(if let Value::Streams(streams) = answer.value { streams } else { Vec::new() })
}

fn collected(streams: &[StreamAnswer]) -> BTreeMap<String, Field> {
    let mut fields: BTreeMap<String, Field> = BTreeMap::new();
    for entry in streams.iter().flat_map(|stream| &stream.entries) {
        for (name, value) in &entry.metadata {
            fields.entry(name.clone()).or_default().values.insert(value.clone());
        }
        let parser = if entry.line.trim_start().starts_with('{') { "json" } else { "logfmt" };
        for (name, value) in entry.parsed.iter().filter(|(name, _)| !ERRORS.contains(&name.as_str())) {
            let field = fields.entry(name.clone()).or_default();
            field.values.insert(value.clone());
            field.parsers.insert(parser);
        }
    }
    fields
}

impl Field {
    fn detected<'a>(&'a self, label: &'a str) -> Detected<'a> {
        Detected {
            label,
            kind: self.kind(),
            cardinality: self.values.len(),
            parsers: (!self.parsers.is_empty()).then_some(&self.parsers),
        }
    }

    /// That of all its values, or `string`.
    fn kind(&self) -> &'static str {
        let mut kinds = self.values.iter().filter(|value| !value.is_empty()).map(|value| value_kind(value));
        let first = kinds.next().unwrap_or("string");
        if kinds.all(|kind| kind == first) { first } else { "string" }
    }
}
