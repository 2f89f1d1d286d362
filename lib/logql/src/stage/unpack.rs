//! `| unpack`: the text fields of a packed JSON object become labels, its `_entry` the line.

use std::borrow::Cow;

use super::{
    json::{JSON_ERROR, Kind, for_each_field, unescape},
    row::{Row, sanitized},
};
use crate::{ParseError, parse::Parser};

/// The field that holds the packed line.
const ENTRY: &str = "_entry";

/// The stage.
#[derive(Clone, Debug)]
pub struct Unpack;

impl Unpack {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        parser.expect("unpack").map(|()| Unpack)
    }

    pub(crate) fn apply(&self, row: &mut Row<'_>) {
        if row.line.is_empty() {
            return;
        }
        let line = row.line.clone();
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut take = |key: &str, kind: Kind, raw: &[u8]| {
            if kind == Kind::Text {
                fields.push((key.into(), unescape(raw)));
            }
        };
        if let Err(details) = for_each_field(&line, &mut take) {
            return row.fail(JSON_ERROR, details);
        }
        // without an entry nothing was packed: the line is JSON of its own
        let Some(at) = fields.iter().position(|(key, _)| key == ENTRY) else { return };
        row.line = Cow::Owned(fields.remove(at).1.into_bytes());
        for (key, value) in &fields {
            row.extract(&sanitized(key), value);
        }
    }
}
