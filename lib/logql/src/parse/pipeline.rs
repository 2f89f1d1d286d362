//! The stages behind a selector.

use super::{Parser, Tok};
use crate::{
    ParseError,
    stage::{
        Stage,
        decolorize::Decolorize,
        drop_keep::{Drop, Keep},
        json::Json,
        label_filter::LabelFilter,
        label_format::LabelFormat,
        line_filter::LineFilter,
        line_format::LineFormat,
        logfmt::Logfmt,
        pattern::Pattern,
        regexp::Regexp,
        unpack::Unpack,
    },
};

impl Parser<'_> {
    /// All stages that follow; stops before `| unwrap`.
    pub(super) fn pipeline(&mut self) -> Result<Vec<Stage>, ParseError> {
        let mut stages = Vec::new();
        while let Some(stage) = self.stage()? {
            stages.push(stage);
        }
        Ok(stages)
    }

    /// The next stage, if one follows that is not `unwrap`.
    pub(super) fn stage(&mut self) -> Result<Option<Stage>, ParseError> {
        let Tok::Word(word) = *self.peek() else { return Ok(None) };
        match word {
            // behind a selector `!=` can only be a filter
            "|=" | "|~" | "|>" | "!=" | "!~" | "!>" => {
                LineFilter::parse(self).map(|f| Some(Stage::LineFilter(f)))
            }
            "|" if *self.peek_second() == Tok::Word("unwrap") => Ok(None),
            "|" => {
                self.advance();
                self.named_stage().map(Some)
            }
            _ => Ok(None),
        }
    }

    fn named_stage(&mut self) -> Result<Stage, ParseError> {
        Ok(match self.peek() {
            Tok::Word("json") => Stage::Json(Json::parse(self)?),
            Tok::Word("logfmt") => Stage::Logfmt(Logfmt::parse(self)?),
            Tok::Word("regexp") => Stage::Regexp(Regexp::parse(self)?),
            Tok::Word("pattern") => Stage::Pattern(Pattern::parse(self)?),
            Tok::Word("unpack") => Stage::Unpack(Unpack::parse(self)?),
            Tok::Word("decolorize") => Stage::Decolorize(Decolorize::parse(self)?),
            Tok::Word("line_format") => Stage::LineFormat(LineFormat::parse(self)?),
            Tok::Word("label_format") => Stage::LabelFormat(LabelFormat::parse(self)?),
            Tok::Word("drop") => Stage::Drop(Drop::parse(self)?),
            Tok::Word("keep") => Stage::Keep(Keep::parse(self)?),
            Tok::Ident(_) | Tok::Word("(") => Stage::LabelFilter(LabelFilter::parse(self)?),
            _ => return Err(self.unexpected(&[])),
        })
    }
}
