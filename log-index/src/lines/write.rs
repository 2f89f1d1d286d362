//! Lines put together again.

use std::ops::Range;

use super::{
    block::{LineBlock, Template, Values},
    slot::Slot,
    vocabulary,
};
use crate::codec::Damaged;

impl<E: From<Damaged>> LineBlock<E> {
    /// Appends the line of a row to `out`. The timestamp is that of its entry.
    ///
    /// # Errors
    /// When a section cannot be read, or is not as it was written.
    pub fn write_line(&self, row: usize, timestamp_ns: i64, out: &mut Vec<u8>) -> Result<(), E> {
        self.write_pieces(row, timestamp_ns, out, &mut |_, _| Ok(()))
    }

    /// The same; tells of each value which column it is of, and where it is in `out`.
    pub(super) fn write_pieces(
        &self,
        row: usize,
        timestamp_ns: i64,
        out: &mut Vec<u8>,
        tell: &mut dyn FnMut(usize, Range<usize>) -> Result<(), Damaged>,
    ) -> Result<(), E> {
        let (template, rank) = *self.rows()?.get(row).ok_or(Damaged)?;
        let template = &self.templates[template as usize];
        for part in &self.parts[template.parts.clone()] {
            out.extend_from_slice(&self.texts[part.text.clone()]);
            if let Some(column) = part.column {
                let start = out.len();
                self.write_value(template, column, rank as usize, timestamp_ns, out)?;
                tell(column, start..out.len())?;
            }
        }
        Ok(())
    }

    fn write_value(
        &self,
        template: &Template,
        column: usize,
        rank: usize,
        timestamp_ns: i64,
        out: &mut Vec<u8>,
    ) -> Result<(), E> {
        let column = self.resolve(template, column).ok_or(Damaged)?;
        match (&column.slot, self.values(column, template.rows)?, column.format) {
            (Slot::Number(width, _), Values::Numbers(numbers), _) => {
                vocabulary::put_number(out, numbers[rank], *width);
            }
            (Slot::Relative(_), Values::Numbers(numbers), Some(format)) => {
                format.write(format.of(timestamp_ns).wrapping_add(numbers[rank]), out);
            }
            (Slot::Time(_), Values::Numbers(numbers), Some(format)) => format.write(numbers[rank], out),
            (Slot::Place(class, _) | Slot::Choice(class, _), Values::Places(places), _) => {
                out.extend_from_slice(self.vocabulary(*class)?.get(places[rank]).ok_or(Damaged)?);
            }
            _ => return Err(Damaged.into()),
        }
        Ok(())
    }
}
