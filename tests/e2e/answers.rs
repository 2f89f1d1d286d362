//! What the query API answers.

use std::time::Instant;

use serde_json::Value;

use crate::basics::{PATIENCE, PAUSE, client};

/// What an answer says that came before the index had read all that was acknowledged: it waits for that, but not long.
pub const INCOMPLETE: &str = "the answer may miss the newest data";

/// A GET that must be answered with JSON; again while the answer is incomplete.
pub async fn get(url: &str, parameters: &[(&str, &str)]) -> Value {
    let begin = Instant::now();
    loop {
        let response = client().get(url).query(parameters).send().await.unwrap();
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{url} {parameters:?}: {status} {body}");
        if !body.contains(INCOMPLETE) {
            return serde_json::from_str(&body).unwrap_or_else(|e| panic!("{url}: {e}: {body}"));
        }
        assert!(begin.elapsed() < PATIENCE, "{url} {parameters:?}: {body}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until the index at `url` has read all that was acknowledged, for answers that cannot say that they are incomplete.
pub async fn caught_up(url: &str) {
    get(&format!("{url}/api/v1/query"), &[("query", "1")]).await;
}
