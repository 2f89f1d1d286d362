//! Values of attributes as text.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use serde_json::json;

/// Attributes that nest deeper are not written.
pub const MAX_DEPTH: usize = 8;

/// A text as it is, everything else as JSON.
pub fn text(value: &AnyValue) -> String {
    match json_of(value, 0) {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn json_of(value: &AnyValue, depth: usize) -> serde_json::Value {
    match &value.value {
        Some(Value::StringValue(text)) => json!(text),
        Some(Value::BoolValue(flag)) => json!(flag),
        Some(Value::IntValue(number)) => json!(number),
        Some(Value::DoubleValue(number)) => json!(number),
        Some(Value::BytesValue(bytes)) => json!(hex(bytes)),
        Some(Value::ArrayValue(array)) if depth < MAX_DEPTH => {
            array.values.iter().map(|element| json_of(element, depth + 1)).collect()
        }
        Some(Value::KvlistValue(list)) if depth < MAX_DEPTH => {
            let field = |field: &KeyValue| {
                let value = field.value.as_ref().map(|value| json_of(value, depth + 1));
                (field.key.clone(), value.unwrap_or_default())
            };
            list.values.iter().map(field).collect()
        }
        _ => serde_json::Value::Null,
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
