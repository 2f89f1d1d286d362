//! A value that never shows itself.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::Error};

/// Written as it is, as `${NAME}` (environment, filled in before parsing), or as `file:/path` (the file's content
/// without its last line end). Debug output shows `[REDACTED]`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Secret(value.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Some(path) = text.strip_prefix("file:") else { return Ok(text.into()) };
        let content = std::fs::read_to_string(path)
            .map_err(|e| D::Error::custom(format!("secret file {path}: {e}")))?;
        Ok(content.trim_end_matches(['\r', '\n']).to_owned().into())
    }
}
