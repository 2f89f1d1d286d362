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
use crate::{
    ParseError,
    lens::{Look, PieceKind},
    parse::Parser,
};

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
        let result = if self.0.is_empty() { take_all(row, &line) } else { self.choose(row, &line) };
        if let Err(details) = result {
            row.fail(JSON_ERROR, details);
        }
    }

    /// No piece holds a quote, a backslash or a bracket.
    pub(crate) fn look(&self, look: &mut Look<'_>) -> bool {
        let line = look.line;
        self.0.is_empty()
            && flatten("", line, 0, &mut |name, kind, raw| {
                let spared: fn(PieceKind) -> bool = match kind {
                    _ if look.wants(name) => return,
                    // of words only some are values
                    Kind::Other | Kind::Null => |kind| kind == PieceKind::Digits,
                    _ if raw.contains(&b'\\') => return,
                    _ => |_| true,
                };
                look.spare(raw, spared);
            })
            .is_ok()
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

fn take_all(row: &mut Row<'_>, line: &[u8]) -> Result<(), String> {
    flatten("", line, 0, &mut |name, kind, raw| {
        if matches!(kind, Kind::Text | Kind::Other) && !name.is_empty() {
            row.extract_with(name, || value_text(kind, raw));
        }
    })
}

/// Visits the fields of an object and of those within, objects themselves left out.
fn flatten(
    prefix: &str,
    object: &[u8],
    depth: usize,
    visit: &mut dyn FnMut(&str, Kind, &[u8]),
) -> Result<(), String> {
    let mut nested = Ok(());
    for_each_field(object, &mut |key, kind, raw| {
        if prefix.len() + key.len() > MAX_NAME_BYTES {
            return;
        }
        let name = if prefix.is_empty() { sanitized(key) } else { joined(prefix, key).into() };
        match kind {
            Kind::Object if depth < MAX_JSON_DEPTH && nested.is_ok() => {
                nested = flatten(&name, raw, depth + 1, visit);
            }
            Kind::Object => {}
            _ => visit(&name, kind, raw),
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
