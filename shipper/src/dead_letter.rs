//! What a record that the broker refuses becomes: JSON letters small enough for any broker, which together hold
//! it whole. Fields: `version`, `topic` and `key` of the record, the broker's `reason`, `part` (from 1) of
//! `parts`, and `value_base64`, the bytes of this part.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bus::Outgoing;
use serde_json::json;

const VERSION: u32 = 1;
/// Bytes of the refused record in one letter.
const PART: usize = 64 << 10;

/// The letters for `record`, in order, all under its key.
pub fn letters(record: &Outgoing, reason: &str, topic: &str) -> Vec<Outgoing> {
    let parts = record.value.len().div_ceil(PART);
    let letter = |(number, part): (usize, &[u8])| {
        let value = json!({
            "version": VERSION,
            "topic": record.topic,
            "key": String::from_utf8_lossy(&record.key),
            "reason": reason,
            "part": number + 1,
            "parts": parts,
            "value_base64": BASE64.encode(part),
        });
        let value = value.to_string().into_bytes();
        Outgoing { topic: topic.to_owned(), key: record.key.clone(), value, partition: None }
    };
    record.value.chunks(PART).enumerate().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_letter_hold_the_whole_record() {
        let value: Vec<u8> = (0..150_000_u32).map(|i| i as u8).collect();
        let record = Outgoing { topic: "logs".into(), key: b"web1".to_vec(), value, partition: None };
        let letters = letters(&record, "too large", "dead-letter");
        assert_eq!(letters.len(), 3);
        let mut joined = Vec::new();
        for letter in letters {
            assert_eq!((letter.topic.as_str(), &letter.key[..]), ("dead-letter", &b"web1"[..]));
            let fields: serde_json::Value = serde_json::from_slice(&letter.value).unwrap();
            assert_eq!((&fields["topic"], &fields["parts"]), (&json!("logs"), &json!(3)));
            joined.extend(BASE64.decode(fields["value_base64"].as_str().unwrap()).unwrap());
        }
        assert_eq!(joined, record.value);
    }
}
