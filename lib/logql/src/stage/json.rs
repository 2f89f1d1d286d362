//! `| json`: every field of an object becomes a label, nested names joined by `_`; or only chosen fields,
//! `| json status="response.code"`.

mod scan;

use std::fmt;

pub use scan::{Kind, for_each_field, unescape};
use scan::{element, field};

use super::{
    path::{PathStep, Rename, renames, write_renames},
    row::{Row, sanitized},
};
use crate::{ParseError, parse::Parser};

/// Name of the error that a line leaves that is no JSON object.
pub const JSON_ERROR: &str = "JSONParserErr";

/// The stage; without renames it takes all fields.
#[derive(Clone, Debug)]
pub struct Json(Vec<Rename>);

impl Json {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        let at = parser.at();
        parser.expect("json")?;
        renames(parser, at).map(Json)
    }

    pub(crate) fn apply(&self, row: &mut Row<'_>) {
        let line = row.line.clone();
        let result = if self.0.is_empty() { flatten(row, "", &line, 0) } else { self.choose(row, &line) };
        if let Err(details) = result {
            row.fail(JSON_ERROR, details);
        }
    }

    fn choose(&self, row: &mut Row<'_>, line: &[u8]) -> Result<(), String> {
        for_each_field(line, &mut |_, _, _| {})?;
        for rename in &self.0 {
            let found = find(line, &rename.path);
            row.choose(&rename.label, &found.map(|(kind, raw)| value_text(kind, raw)).unwrap_or_default());
        }
        Ok(())
    }
}

/// What nests deeper is left out.
const MAX_JSON_DEPTH: usize = 64;
/// Fields whose names, with those that they are nested in, are longer (in bytes) are left out.
const MAX_NAME_BYTES: usize = 1024;

fn flatten(row: &mut Row<'_>, prefix: &str, object: &[u8], depth: usize) -> Result<(), String> {
    let mut nested = Ok(());
    for_each_field(object, &mut |key, kind, raw| {
        if prefix.len() + key.len() > MAX_NAME_BYTES {
            return;
        }
        let name = if prefix.is_empty() { sanitized(key).into_owned() } else { joined(prefix, key) };
        match kind {
            Kind::Object if depth < MAX_JSON_DEPTH && nested.is_ok() => {
                nested = flatten(row, &name, raw, depth + 1);
            }
            Kind::Object | Kind::Array | Kind::Null => {}
            Kind::Text | Kind::Other if name.is_empty() => {}
            Kind::Text | Kind::Other => row.extract_with(&name, || value_text(kind, raw)),
        }
    })?;
    nested
}

fn joined(prefix: &str, key: &str) -> String {
    sanitized(&format!("{prefix}_{}", key.trim())).into_owned()
}

fn find<'a>(line: &'a [u8], path: &[PathStep]) -> Option<(Kind, &'a [u8])> {
    path.iter().try_fold((Kind::Object, line), |(_, value), step| match step {
        PathStep::Field(name) => field(value, name),
        PathStep::Index(index) => element(value, *index),
    })
}

fn value_text(kind: Kind, raw: &[u8]) -> String {
    match kind {
        Kind::Text => unescape(raw),
        Kind::Null => String::new(),
        _ => String::from_utf8_lossy(raw).into_owned(),
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("json")?;
        write_renames(f, &self.0)
    }
}
