//! Lines that went into a block and came back, and what was found in it.

use proptest::{collection::vec, prelude::*};

use super::{Hits, LineBlock, Section, Verdict, encode, may_hold};
use crate::codec::Damaged;

fn round(lines: &[Vec<u8>], timestamps: &[i64]) -> Vec<Vec<u8>> {
    let sections = encode(timestamps, lines.iter().map(Vec::as_slice));
    let read = move |section: Section| Ok(sections[section.index()].clone());
    let block: LineBlock<Damaged> = LineBlock::open(Box::new(read)).unwrap();
    let line = |(row, timestamp): (usize, &i64)| {
        let mut out = Vec::new();
        block.write_line(row, *timestamp, &mut out).unwrap();
        out
    };
    timestamps.iter().enumerate().map(line).collect()
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let text = |pattern: &'static str| pattern.prop_map(String::into_bytes);
    let piece = prop_oneof![
        vec(any::<u8>(), 0..6),
        vec(0..6_u8, 0..4),
        text("[abxyz0-9_]{1,5}[ =:]?"),
        text("[0-9]{1,20}"),
        text("0x[0-9a-f]{1,9} "),
        text("10\\.0\\.[0-9]{1,3}\\.[0-9] "),
        text("20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?"),
        text("(Nov|Dec) 1[0-9] 11:0[0-9]:40(Z|ab)?"),
        text("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    ];
    vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn open(lines: &[Vec<u8>]) -> LineBlock<Damaged> {
    let timestamps: Vec<i64> = (0..lines.len() as i64).map(|n| n * 1_000_000).collect();
    let sections = encode(&timestamps, lines.iter().map(Vec::as_slice));
    LineBlock::open(Box::new(move |section: Section| Ok(sections[section.index()].clone()))).unwrap()
}

#[test]
fn the_templates_of_rows_are_read_only_where_a_text_is_found() {
    let lines = ["sent 17 of 20", "sent 18 of 20"].map(|line| line.as_bytes().to_vec());
    let sections = encode(&[1, 2], lines.iter().map(Vec::as_slice));
    let read = move |section: Section| match section {
        Section::Rows => Err(Damaged),
        section => Ok(sections[section.index()].clone()),
    };
    let block = LineBlock::open(Box::new(read)).unwrap();
    assert!(matches!(block.search(b"19"), Ok(Hits::None)) && block.search(b"").is_err());
    assert!(block.search(b"18").is_err() && block.search(b"sent").is_err());
    assert_eq!(block.verdict(&Hits::None, 0), Verdict::No);
}

#[test]
fn a_text_with_a_blank_is_in_no_time_without_one() {
    let line = |status: u32| format!(r#"[21/Nov/2026:08:14:{status} +0000] "GET /" {status} 9"#).into_bytes();
    let block = open(&[line(50), line(20), line(30)]);
    let hits = block.search(b" 5").unwrap();
    let verdicts = [0, 1, 2].map(|row| block.verdict(&hits, row));
    assert_eq!((verdicts[0] == Verdict::No, &verdicts[1..]), (false, &[Verdict::No; 2][..]));
}

proptest! {
    #[test]
    fn no_verdict_is_wrong(lines in vec(hostile(), 1..40), repeat in 1..4_usize, row in any::<usize>(), from in any::<usize>(), length in 1..12_usize) {
        let lines: Vec<Vec<u8>> = lines.iter().cloned().cycle().take(lines.len() * repeat).collect();
        let line = &lines[row % lines.len()];
        let from = from % (line.len() + 1);
        let text = &line[from..line.len().min(from + length)];
        prop_assume!(!text.is_empty());
        let block = open(&lines);
        let filter = (block.read)(Section::Filter).unwrap();
        prop_assert!(may_hold(&filter, text), "{:?}", text);
        let hits = block.search(text).unwrap();
        for (row, line) in lines.iter().enumerate() {
            let holds = memchr::memmem::find(line, text).is_some();
            let wrong = if holds { Verdict::No } else { Verdict::Yes };
            prop_assert_ne!(block.verdict(&hits, row), wrong, "{:?} in {:?}", text, line);
        }
    }

    #[test]
    fn lines_come_back_byte_for_byte(lines in vec((hostile(), any::<i64>()), 0..60)) {
        let (lines, timestamps): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
        prop_assert_eq!(round(&lines, &timestamps), lines);
    }
}
