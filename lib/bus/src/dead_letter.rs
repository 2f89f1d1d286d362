//! What becomes of a record that nobody can take: letters in JSON, each small enough for any broker, which
//! together hold it whole. Fields: `version`, `topic` and `key` of the record, the `reason`, `part` (from 1) of
//! `parts`, and `value_base64`, the bytes of this part.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::json;

use crate::Outgoing;

const VERSION: u32 = 1;

/// Bytes of the record in one letter.
const PART: usize = 64 << 10;

/// The letters for `record` and why it could not be taken, in order, all under its key.
pub fn letters(record: &Outgoing, reason: &str, topic: &str) -> Vec<Outgoing> {
    let parts = record.value.len().div_ceil(PART).max(1);
    let letter = |part: usize| {
        let rest = record.value.get(part * PART..).unwrap_or_default();
        let value = json!({
            "version": VERSION,
            "topic": record.topic,
            "key": String::from_utf8_lossy(&record.key),
            "reason": reason,
            "part": part + 1,
            "parts": parts,
            "value_base64": BASE64.encode(&rest[..rest.len().min(PART)]),
        });
        let value = value.to_string().into_bytes();
        Outgoing { topic: topic.to_owned(), key: record.key.clone(), value, partition: None }
    };
    (0..parts).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters_of(length: usize) -> (Vec<u8>, Vec<serde_json::Value>) {
        let value: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let record = Outgoing { topic: "logs".into(), key: b"web1".to_vec(), value, partition: None };
        let letters = letters(&record, "too large", "dead-letter");
        assert!(letters.iter().all(|letter| letter.topic == "dead-letter" && letter.key == b"web1"));
        (record.value, letters.iter().map(|letter| serde_json::from_slice(&letter.value).unwrap()).collect())
    }

    #[test]
    fn the_parts_of_a_letter_hold_the_whole_record() {
        let (value, letters) = letters_of(150_000);
        assert_eq!(letters.len(), 3);
        let part =
            |letter: &serde_json::Value| BASE64.decode(letter["value_base64"].as_str().unwrap()).unwrap();
        assert_eq!(letters.iter().flat_map(part).collect::<Vec<_>>(), value);
        assert_eq!((&letters[2]["part"], &letters[2]["parts"]), (&json!(3), &json!(3)));
        assert_eq!((&letters[0]["topic"], &letters[0]["reason"]), (&json!("logs"), &json!("too large")));
    }

    #[test]
    fn an_empty_record_has_a_letter_too() {
        assert_eq!(letters_of(0).1[0]["value_base64"], "");
    }
}
