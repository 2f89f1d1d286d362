//! What stands between a binary operator and its right side.

use super::{
    ast::{Cardinality, Matching},
    parser::{Parsed, Parser},
};

impl Parser<'_> {
    /// `on (…) group_left (…) fill (0)`; `at` is where the operation begins.
    pub fn matching(&mut self, at: usize) -> Parsed<Matching> {
        let mut matching = Matching { labels: self.label_list("on", "ignoring")?, ..Matching::default() };
        if matching.labels.is_some() {
            self.grouping(&mut matching)?;
        }
        matching.fill = self.fill()?;
        if matching.fill != (None, None) && !self.features.fill_modifiers {
            return Err(self.error(at, "binop fill modifiers are experimental and not enabled"));
        }
        Ok(matching)
    }

    fn grouping(&mut self, matching: &mut Matching) -> Parsed<()> {
        matching.cardinality = if self.accept("group_left") {
            Cardinality::ManyToOne
        } else if self.accept("group_right") {
            Cardinality::OneToMany
        } else {
            return Ok(());
        };
        // A parenthesis here always begins labels, never the right side.
        if self.peek().is("(") {
            matching.include = self.label_names()?;
        }
        Ok(())
    }

    fn fill(&mut self) -> Parsed<(Option<f64>, Option<f64>)> {
        if self.accept("fill") {
            let value = Some(self.fill_value()?);
            return Ok((value, value));
        }
        if self.accept("fill_left") {
            let left = self.fill_value()?;
            let right = if self.accept("fill_right") { Some(self.fill_value()?) } else { None };
            return Ok((Some(left), right));
        }
        if self.accept("fill_right") {
            let right = self.fill_value()?;
            let left = if self.accept("fill_left") { Some(self.fill_value()?) } else { None };
            return Ok((left, Some(right)));
        }
        Ok((None, None))
    }

    fn fill_value(&mut self) -> Parsed<f64> {
        self.expect("(")?;
        let minus = self.peek().is("-");
        if minus || self.peek().is("+") {
            self.take();
        }
        let value = self.literal()?.value;
        self.expect(")")?;
        Ok(if minus { -value } else { value })
    }
}
