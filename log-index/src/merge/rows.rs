//! Streams and rows of several segments in order. Memory holds a block of each, and where each stream is.

use std::{collections::BTreeMap, io::Write, ops::Range, sync::Arc};

use event::Labels;

use super::{MergeError, Stop, plan::Plan};
use crate::{
    Kind,
    columns::{Columns, LogColumns, SampleColumns},
    delete::Delete,
    segment::{BlockPart, Builder, Damage, Footer, Segment, StreamMeta, StreamsWriter},
    state::Sealed,
};

/// A segment that is merged into another.
pub struct Input {
    segment: Arc<Segment>,
    footer: Footer,
    deletes: Vec<Arc<Delete>>,
    next: Option<StreamMeta>,
}

impl Plan {
    /// The inputs, at their first streams.
    ///
    /// # Errors
    /// When a footer is damaged.
    pub fn open(&self, sealed: &Sealed) -> Result<Vec<Input>, MergeError> {
        let known = |id| sealed.segments.get(id).zip(sealed.manifest.segments.get(id));
        let open = |(segment, info): (&Arc<Segment>, &crate::catalog::SegmentInfo)| {
            let footer = segment.footer(info.bytes)?;
            let deletes = sealed.deletes_in(segment.id).cloned().collect();
            let mut input = Input { segment: segment.clone(), footer, deletes, next: None };
            input.advance()?;
            Ok(input)
        };
        self.inputs.iter().filter_map(known).map(open).collect()
    }
}

impl From<Damage> for MergeError {
    fn from(damage: Damage) -> Self {
        MergeError::Damaged(damage)
    }
}

impl Input {
    fn advance(&mut self) -> Result<Option<StreamMeta>, Damage> {
        let next = self.footer.next().transpose().map_err(|e| self.segment.damage(format!("footer: {e}")))?;
        Ok(std::mem::replace(&mut self.next, next))
    }
}

/// Rows that were left out, by the id of the delete that hid them.
pub type Removed = BTreeMap<u64, u64>;

/// Writes the rows of `inputs` but for those that are deleted: of equal times the row of the first input comes
/// first.
///
/// # Errors
/// See [`MergeError`].
pub fn merge<W: Write>(
    mut inputs: Vec<Input>,
    builder: &mut Builder<W>,
    stop: Stop<'_>,
) -> Result<Removed, MergeError> {
    let deletes = inputs.iter().flat_map(|input| &input.deletes);
    let mut removed = deletes.map(|delete| (delete.id, 0)).collect();
    merge_kind::<LogColumns, W>(&mut inputs, builder.streams(), &mut removed, stop)?;
    merge_kind::<SampleColumns, W>(&mut inputs, builder.streams(), &mut removed, stop)?;
    Ok(removed)
}

fn merge_kind<C: Columns, W: Write>(
    inputs: &mut [Input],
    mut out: StreamsWriter<'_, W, C>,
    removed: &mut Removed,
    stop: Stop<'_>,
) -> Result<(), MergeError> {
    let mut blocks: Vec<Option<(u64, C)>> = vec![None; inputs.len()];
    while let Some(labels) = first_labels(inputs, C::KIND) {
        if stop() {
            return Err(MergeError::Stopped);
        }
        let mut cursors = Vec::new();
        for (input, last) in inputs.iter_mut().zip(&mut blocks) {
            if input.next.as_ref().is_some_and(|s| s.kind == C::KIND && s.labels == labels)
                && let Some(stream) = input.advance()?
            {
                let hidden =
                    input.deletes.iter().filter(|delete| delete.concerns(C::KIND, &labels)).collect();
                let parts = stream.parts.into_iter();
                cursors.push(Cursor { segment: &input.segment, hidden, parts, last, rows: 0..0 });
            }
        }
        out.begin(&labels);
        merge_stream(&mut cursors, &mut out, removed)?;
    }
    Ok(out.end()?)
}

fn first_labels(inputs: &[Input], kind: Kind) -> Option<Labels> {
    let next = inputs.iter().filter_map(|input| input.next.as_ref());
    next.filter(|stream| stream.kind == kind).map(|stream| &stream.labels).min().cloned()
}

fn merge_stream<C: Columns, W: Write>(
    cursors: &mut [Cursor<'_, C>],
    out: &mut StreamsWriter<'_, W, C>,
    removed: &mut Removed,
) -> Result<(), MergeError> {
    cursors.iter_mut().try_for_each(Cursor::fill)?;
    while let Some((_, first)) = earliest(cursors, None) {
        let until = earliest(cursors, Some(first));
        let cursor = &mut cursors[first];
        while let Some(time) = cursor.time()
            && until.is_none_or(|until| (time, first) < until)
        {
            cursor.push_into(out, removed)?;
        }
        cursor.fill()?;
    }
    Ok(())
}

/// The time of the next row and which cursor is there; one of them may be left out.
fn earliest<C: Columns>(cursors: &[Cursor<'_, C>], without: Option<usize>) -> Option<(i64, usize)> {
    let others = cursors.iter().enumerate().filter(|(at, _)| Some(*at) != without);
    others.filter_map(|(at, cursor)| Some((cursor.time()?, at))).min()
}

/// A place in the rows of one stream in one segment.
struct Cursor<'a, C> {
    segment: &'a Arc<Segment>,
    /// Deletes that may hide rows of it.
    hidden: Vec<&'a Arc<Delete>>,
    parts: std::vec::IntoIter<BlockPart>,
    /// The block that was read last, and where it lies: the next small stream is in it too.
    last: &'a mut Option<(u64, C)>,
    /// What is left of it.
    rows: Range<u32>,
}

impl<C: Columns> Cursor<'_, C> {
    fn time(&self) -> Option<i64> {
        let (_, columns) = self.last.as_ref().filter(|_| !self.rows.is_empty())?;
        Some(columns.timestamp(self.rows.start as usize))
    }

    /// Passes a row on, or counts it for the delete that hides it.
    fn push_into<W: Write>(
        &mut self,
        out: &mut StreamsWriter<'_, W, C>,
        removed: &mut Removed,
    ) -> Result<(), MergeError> {
        let row = self.rows.start as usize;
        if let Some((_, columns)) = self.last.as_ref() {
            let mut hidden = None;
            for delete in &self.hidden {
                if hidden.is_none() && delete.hides(columns, row)? {
                    hidden = Some(delete.id);
                }
            }
            match hidden {
                Some(delete) => *removed.entry(delete).or_default() += 1,
                None => out.push(columns, row)?,
            }
        }
        self.rows.start += 1;
        Ok(())
    }

    /// Goes on with the next part if this one is through.
    fn fill(&mut self) -> Result<(), MergeError> {
        while self.rows.is_empty()
            && let Some(part) = self.parts.next()
        {
            let columns = match self.last.take() {
                Some((offset, columns)) if offset == part.block.offset => columns,
                _ => self.segment.read::<C>(&part.block)?,
            };
            self.rows = self.segment.rows_of(&part, columns.rows())?;
            *self.last = Some((part.block.offset, columns));
        }
        Ok(())
    }
}
