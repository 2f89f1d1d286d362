//! Rows whose lines are the same to a query: of the values in their template only some matter to it, and in these they
//! agree.

use std::ops::Range;

use hashbrown::HashMap;
use logql::{Piece, PieceKind};

use super::{
    block::{Column, LineBlock, Template, Values},
    slot::Slot,
    vocabulary::Class,
};
use crate::codec::Damaged;

/// Says which pieces of a line matter.
pub type Live<'a> = dyn Fn(&[u8], &[Piece]) -> Vec<bool> + 'a;

impl<E: From<Damaged>> LineBlock<E> {
    /// Puts rows together that are the same to whoever looks at `live` pieces only; in each group and among groups those
    /// come first that came first in `rows`. `timestamps` are those of all rows.
    ///
    /// # Errors
    /// When a section cannot be read, or is not as it was written.
    pub fn alike(&self, rows: &[u32], timestamps: &[i64], live: &Live<'_>) -> Result<Vec<Vec<u32>>, E> {
        let mut of_template: Vec<Vec<u32>> = vec![Vec::new(); self.templates.len()];
        let ranks = self.rows()?;
        for row in rows {
            let (template, _) = *ranks.get(*row as usize).ok_or(Damaged)?;
            of_template[template as usize].push(*row);
        }
        let mut groups = Vec::new();
        for (template, rows) in self.templates.iter().zip(of_template).filter(|(_, rows)| !rows.is_empty()) {
            let columns = self.live_columns(template, rows[0], timestamps, live)?;
            groups.extend(self.split(template, rows, &columns, timestamps)?);
        }
        groups.sort_unstable_by_key(|group| group[0]);
        Ok(groups)
    }

    /// The columns that matter, by a row of the template.
    fn live_columns(
        &self,
        template: &Template,
        row: u32,
        timestamps: &[i64],
        live: &Live<'_>,
    ) -> Result<Vec<&Column>, E> {
        let (mut line, mut pieces, mut columns) = (Vec::new(), Vec::new(), Vec::new());
        let mut add = |column, range: Range<usize>| {
            let column = self.resolve(template, column).ok_or(Damaged)?;
            pieces.push(Piece { range, kind: kind(column) });
            columns.push(column);
            Ok(())
        };
        self.write_pieces(row as usize, timestamps[row as usize], &mut line, &mut add)?;
        let live = live(&line, &pieces);
        let mut found: Vec<&Column> = Vec::new();
        for (column, _) in columns.into_iter().zip(live).filter(|(_, live)| *live) {
            if !found.iter().any(|known| std::ptr::eq(*known, column)) {
                found.push(column);
            }
        }
        Ok(found)
    }

    /// Rows with equal values in the columns.
    fn split(
        &self,
        template: &Template,
        rows: Vec<u32>,
        columns: &[&Column],
        timestamps: &[i64],
    ) -> Result<Vec<Vec<u32>>, E> {
        let (mut group_of, mut count) = (vec![0_u32; rows.len()], 1);
        for column in columns {
            let value = self.reader(template, column)?;
            let mut known: HashMap<(u32, i64), u32> = HashMap::new();
            for (row, group) in rows.iter().zip(&mut group_of) {
                let next = known.len() as u32;
                *group = *known.entry((*group, value(*row as usize, timestamps))).or_insert(next);
            }
            count = known.len();
        }
        let mut groups = vec![Vec::new(); count];
        rows.into_iter().zip(group_of).for_each(|(row, group)| groups[group as usize].push(row));
        Ok(groups)
    }

    /// Reads the column's value in a row, as a number that is the same for equal values.
    fn reader<'a>(
        &'a self,
        template: &Template,
        column: &'a Column,
    ) -> Result<impl Fn(usize, &[i64]) -> i64 + use<'a, E>, E> {
        let (values, ranks) = (self.values(column, template.rows)?, self.rows()?);
        let moment = column.format.filter(|_| matches!(column.slot, Slot::Relative(_)));
        Ok(move |row: usize, timestamps: &[i64]| {
            let rank = ranks[row].1 as usize;
            match values {
                Values::Places(places) => i64::from(places[rank]),
                Values::Numbers(numbers) => {
                    let base = moment.map_or(0, |format| format.of(timestamps[row]));
                    base.wrapping_add(numbers[rank])
                }
            }
        })
    }
}

fn kind(column: &Column) -> PieceKind {
    match (&column.slot, column.format) {
        (_, Some(format)) => PieceKind::Time { has_blanks: format.has_blanks() },
        (Slot::Number(..) | Slot::Place(Class::Short | Class::Long, _), _) => PieceKind::Digits,
        (Slot::Choice(Class::Short | Class::Long, _), _) => PieceKind::Digits,
        _ => PieceKind::Word,
    }
}
