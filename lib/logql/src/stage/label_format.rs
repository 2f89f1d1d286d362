//! `| label_format new=old, other="{{.level}}"`: renames labels, or makes them from a template.

use std::fmt;

use super::{
    line_format::TEMPLATE_ERROR,
    row::{ERROR, Origin, Row},
    template::Template,
};
use crate::{
    ParseError,
    parse::{Parser, Tok, text::quote},
};

/// The stage.
#[derive(Clone, Debug)]
pub struct LabelFormat(Vec<(String, Source)>);

#[derive(Clone, Debug)]
enum Source {
    Label(String),
    Template(Template),
}

impl LabelFormat {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Self, ParseError> {
        let at = parser.at();
        parser.expect("label_format")?;
        let formats = parser.list(|parser| Self::one(parser, at))?;
        for (i, (name, _)) in formats.iter().enumerate() {
            if name == ERROR {
                return Err(parser.stage_error(at, &format!("{ERROR} cannot be formatted")));
            }
            if formats[..i].iter().any(|(other, _)| other == name) {
                let why = format!("multiple label name '{name}' not allowed in a single format operation");
                return Err(parser.stage_error(at, &why));
            }
        }
        Ok(LabelFormat(formats))
    }

    fn one(parser: &mut Parser<'_>, at: usize) -> Result<(String, Source), ParseError> {
        let name = parser.ident()?;
        parser.expect("=")?;
        if matches!(parser.peek(), Tok::Ident(_)) {
            return Ok((name, Source::Label(parser.ident()?)));
        }
        let text = parser.text()?;
        let template = Template::new(&name, &text)
            .map_err(|why| parser.stage_error(at, &format!("invalid template for label '{name}': {why}")))?;
        Ok((name, Source::Template(template)))
    }

    pub(crate) fn collect_names(&self, names: &mut Vec<String>) -> bool {
        self.0.iter().all(|(_, source)| match source {
            Source::Template(template) => template.collect_names(names),
            Source::Label(old) => {
                names.push(old.clone());
                true
            }
        })
    }

    pub(crate) fn apply(&self, row: &mut Row<'_>) {
        for (name, source) in &self.0 {
            match source {
                Source::Label(old) => rename(row, old, name),
                Source::Template(template) => match template.render(row) {
                    Ok(value) => row.set(Origin::Parsed, name, &value),
                    Err(details) => row.fail(TEMPLATE_ERROR, details),
                },
            }
        }
    }
}

fn rename(row: &mut Row<'_>, old: &str, new: &str) {
    let Some((origin, value)) = row.get_with_origin(old) else { return };
    let value = value.to_owned();
    row.delete(old);
    row.set(origin, new, &value);
}

impl fmt::Display for LabelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("label_format ")?;
        for (i, (name, source)) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            match source {
                Source::Label(old) => write!(f, "{comma}{name}={old}")?,
                Source::Template(template) => write!(f, "{comma}{name}={}", quote(template.source()))?,
            }
        }
        Ok(())
    }
}
