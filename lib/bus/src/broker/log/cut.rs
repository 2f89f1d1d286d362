//! Which batches of a stretch of a segment a reader gets.

use super::batch::Header;

/// What a stretch of a segment holds of the batches that are wanted.
pub enum Cut {
    /// They are here; `end` is not known when the first does not fit the stretch.
    Found { start: usize, end: Option<usize> },
    /// Not in the stretch; this many bytes of it are whole batches that come before.
    Later { skipped: usize },
    /// There are none: the next batch is beyond the limit.
    Nothing,
}

/// Looks for the batches from `offset` on that begin before `limit` and fit `max_bytes`; the first need not fit.
pub fn cut(chunk: &[u8], offset: i64, limit: i64, max_bytes: usize) -> Cut {
    let (mut at, mut found) = (0, None);
    while let Some(header) = Header::parse(&chunk[at..]) {
        let whole = at + header.size <= chunk.len();
        if header.last_offset() >= offset {
            let start = *found.get_or_insert(at);
            let beyond = header.base_offset >= limit;
            if at == start && beyond {
                return Cut::Nothing;
            }
            if at == start && !whole {
                return Cut::Found { start, end: None };
            }
            if beyond || !whole || (at > start && at + header.size - start > max_bytes) {
                break;
            }
        } else if !whole {
            break;
        }
        at += header.size;
    }
    match found {
        Some(start) => Cut::Found { start, end: Some(at) },
        None => Cut::Later { skipped: at },
    }
}
