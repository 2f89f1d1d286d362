//! The stages of a pipeline, one file each: what it is, how it is written, what it does to an entry.

pub mod decolorize;
pub mod drop_keep;
pub mod ip;
pub mod json;
pub mod label_filter;
pub mod label_format;
pub mod line_filter;
pub mod line_format;
pub mod logfmt;
pub mod path;
pub mod pattern;
pub mod regexp;
pub mod row;
pub mod template;
pub mod unpack;
pub mod unwrap;

use std::fmt;

use row::Row;

use crate::lens::Look;

/// One stage.
#[derive(Clone, Debug)]
pub enum Stage {
    /// `|= "text"`
    LineFilter(line_filter::LineFilter),
    /// `| level="error"`
    LabelFilter(label_filter::LabelFilter),
    /// `| json`
    Json(json::Json),
    /// `| logfmt`
    Logfmt(logfmt::Logfmt),
    /// `| regexp "(?P<name>…)"`
    Regexp(regexp::Regexp),
    /// `| pattern "<name> …"`
    Pattern(pattern::Pattern),
    /// `| unpack`
    Unpack(unpack::Unpack),
    /// `| decolorize`
    Decolorize(decolorize::Decolorize),
    /// `| line_format "…"`
    LineFormat(line_format::LineFormat),
    /// `| label_format a=b, c="…"`
    LabelFormat(label_format::LabelFormat),
    /// `| drop a, b="c"`
    Drop(drop_keep::Drop),
    /// `| keep a, b="c"`
    Keep(drop_keep::Keep),
}

impl Stage {
    /// Works on an entry; `false` refuses it.
    pub fn apply(&self, row: &mut Row<'_>) -> bool {
        match self {
            Stage::LineFilter(stage) => return stage.matches(&row.line),
            Stage::LabelFilter(stage) => return stage.apply(row),
            Stage::Json(stage) => stage.apply(row),
            Stage::Logfmt(stage) => stage.apply(row),
            Stage::Regexp(stage) => stage.apply(row),
            Stage::Pattern(stage) => stage.apply(row),
            Stage::Unpack(stage) => stage.apply(row),
            Stage::Decolorize(stage) => stage.apply(row),
            Stage::LineFormat(stage) => stage.apply(row),
            Stage::LabelFormat(stage) => stage.apply(row),
            Stage::Drop(stage) => stage.apply(row),
            Stage::Keep(stage) => stage.apply(row),
        }
        true
    }

    /// Adds the names of the labels that it looks at; `false` if those can be any.
    pub fn collect_names(&self, names: &mut Vec<String>) -> bool {
        match self {
            Stage::LabelFilter(stage) => stage.collect_names(names),
            Stage::LineFormat(stage) => return stage.collect_names(names),
            Stage::LabelFormat(stage) => return stage.collect_names(names),
            // drop and keep matter only to labels that something else looks at
            _ => {}
        }
        true
    }

    /// Whether it only takes labels out of the line, or only looks at labels.
    pub fn is_plain(&self) -> bool {
        self.is_parser() || matches!(self, Stage::LabelFilter(_))
    }

    /// For a parser: spares the pieces of a line that do not matter to what it finds; `false` if that cannot be told.
    pub(crate) fn look(&self, look: &mut Look<'_>) -> bool {
        match self {
            Stage::Json(stage) => stage.look(look),
            Stage::Logfmt(stage) => stage.look(look),
            Stage::Pattern(stage) => stage.look(look),
            _ => false,
        }
    }

    /// Whether it takes labels out of the line, and does nothing else.
    pub fn is_parser(&self) -> bool {
        matches!(self, Stage::Json(_) | Stage::Logfmt(_) | Stage::Regexp(_) | Stage::Pattern(_))
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::LineFilter(stage) => stage.fmt(f),
            Stage::LabelFilter(stage) => write!(f, "| {stage}"),
            Stage::Json(stage) => write!(f, "| {stage}"),
            Stage::Logfmt(stage) => write!(f, "| {stage}"),
            Stage::Regexp(stage) => write!(f, "| {stage}"),
            Stage::Pattern(stage) => write!(f, "| {stage}"),
            Stage::Unpack(_) => f.write_str("| unpack"),
            Stage::Decolorize(_) => f.write_str("| decolorize"),
            Stage::LineFormat(stage) => write!(f, "| {stage}"),
            Stage::LabelFormat(stage) => write!(f, "| {stage}"),
            Stage::Drop(stage) => write!(f, "| {stage}"),
            Stage::Keep(stage) => write!(f, "| {stage}"),
        }
    }
}
