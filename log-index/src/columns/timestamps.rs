//! Timestamps of a block: their number, and the numbers themselves.

use crate::{
    codec::{Damaged, Input, put_u64},
    integers::{self, Header},
};

pub fn encode(timestamps: &[i64]) -> Vec<u8> {
    let (mut out, mut planes) = (Vec::new(), Vec::new());
    put_u64(&mut out, timestamps.len() as u64);
    integers::encode(timestamps, &mut planes).put(&mut out);
    out.extend(planes);
    out
}

pub fn decode(raw: &[u8]) -> Result<Vec<i64>, Damaged> {
    let mut input = Input(raw);
    let rows = usize::try_from(input.u64()?).map_err(|_| Damaged)?;
    let timestamps = Header::read(&mut input)?.decode_from(&mut input, rows)?;
    if input.0.is_empty() { Ok(timestamps) } else { Err(Damaged) }
}
