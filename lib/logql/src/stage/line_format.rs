//! `| line_format "{{.level}} {{.msg}}"`: a new line made of the labels.

use std::{borrow::Cow, fmt};

use super::{row::Row, template::Template};
use crate::{ParseError, parse::Parser, parse::text::quote};

/// Name of the error that a template leaves that fails on an entry.
pub const TEMPLATE_ERROR: &str = "TemplateFormatErr";

/// The stage.
#[derive(Clone, Debug)]
pub struct LineFormat(Template);

impl LineFormat {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        let at = parser.at();
        parser.expect("line_format")?;
        let source = parser.text()?;
        let template = Template::new("line", &source)
            .map_err(|why| parser.stage_error(at, &format!("invalid line template: {why}")))?;
        Ok(LineFormat(template))
    }

    pub(crate) fn collect_names(&self, names: &mut Vec<String>) -> bool {
        self.0.collect_names(names)
    }

    pub(crate) fn apply(&self, row: &mut Row<'_>) {
        match self.0.render(row) {
            Ok(line) => row.line = Cow::Owned(line.into_bytes()),
            Err(details) => row.fail(TEMPLATE_ERROR, details),
        }
    }
}

impl fmt::Display for LineFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line_format {}", quote(self.0.source()))
    }
}
