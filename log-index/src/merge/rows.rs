//! Streams and rows of several segments in order. Memory holds a block of each, and where each stream is.

use std::{io::Write, ops::Range, sync::Arc};

use event::Labels;

use super::{MergeError, Stop, plan::Plan};
use crate::{
    Kind,
    columns::{Columns, LogColumns, SampleColumns},
    segment::{BlockPart, Builder, Damage, Footer, Segment, StreamMeta, StreamsWriter},
    state::Sealed,
};

/// A segment that is merged into another.
pub struct Input {
    segment: Arc<Segment>,
    footer: Footer,
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
            let mut input = Input { segment: segment.clone(), footer, next: None };
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

/// Writes all rows of `inputs`: of equal times the row of the first input comes first.
///
/// # Errors
/// See [`MergeError`].
pub fn merge<W: Write>(
    mut inputs: Vec<Input>,
    builder: &mut Builder<W>,
    stop: Stop<'_>,
) -> Result<(), MergeError> {
    merge_kind::<LogColumns, W>(&mut inputs, builder.streams(), stop)?;
    merge_kind::<SampleColumns, W>(&mut inputs, builder.streams(), stop)
}

fn merge_kind<C: Columns, W: Write>(
    inputs: &mut [Input],
    mut out: StreamsWriter<'_, W, C>,
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
                let parts = stream.parts.into_iter();
                cursors.push(Cursor { segment: &input.segment, parts, last, rows: 0..0 });
            }
        }
        merge_stream(&labels, &mut cursors, &mut out)?;
    }
    Ok(out.end()?)
}

fn first_labels(inputs: &[Input], kind: Kind) -> Option<Labels> {
    let next = inputs.iter().filter_map(|input| input.next.as_ref());
    next.filter(|stream| stream.kind == kind).map(|stream| &stream.labels).min().cloned()
}

fn merge_stream<C: Columns, W: Write>(
    labels: &Labels,
    cursors: &mut [Cursor<'_, C>],
    out: &mut StreamsWriter<'_, W, C>,
) -> Result<(), MergeError> {
    cursors.iter_mut().try_for_each(Cursor::fill)?;
    out.begin(labels)?;
    while let Some((_, first)) = earliest(cursors, None) {
        let until = earliest(cursors, Some(first));
        let cursor = &mut cursors[first];
        while let Some(time) = cursor.time()
            && until.is_none_or(|until| (time, first) < until)
        {
            cursor.push_into(out)?;
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
    segment: &'a Segment,
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

    fn push_into<W: Write>(&mut self, out: &mut StreamsWriter<'_, W, C>) -> Result<(), MergeError> {
        if let Some((_, columns)) = self.last.as_ref() {
            out.push(columns, self.rows.start as usize)?;
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
