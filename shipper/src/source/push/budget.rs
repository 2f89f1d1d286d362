//! What labels and metadata may take once every series and entry has its own: a request may name them once for
//! millions of both.

use super::decode::{Limits, REQUEST_LIMIT};

/// So many times the limit of a request.
const TIMES: usize = 4;
/// What a name and its value take beside their text, roughly.
const PAIR: usize = 32;

/// The bytes that a request may still take.
pub struct Budget {
    limit: usize,
    left: usize,
}

impl Budget {
    /// Of one request.
    pub fn new(limits: &Limits) -> Self {
        let limit = limits.request.saturating_mul(TIMES);
        Budget { limit, left: limit }
    }

    /// # Errors
    /// When so many bytes are not left.
    pub fn take(&mut self, bytes: usize) -> Result<(), String> {
        let (limit, left) = (self.limit, self.left.checked_sub(bytes));
        self.left = left.ok_or_else(|| {
            format!(
                "the request's labels and metadata take more than {limit} bytes when each series and entry has its \
                 own ({TIMES} times the limit: {REQUEST_LIMIT}); send fewer series and entries at once"
            )
        })?;
        Ok(())
    }

    /// Takes what labels or metadata need.
    ///
    /// # Errors
    /// Likewise.
    pub fn take_pairs<N, V>(&mut self, pairs: impl IntoIterator<Item = (N, V)>) -> Result<(), String>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let bytes = |(name, value): (N, V)| PAIR + name.as_ref().len() + value.as_ref().len();
        self.take(pairs.into_iter().map(bytes).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_takes_is_added_up() {
        let mut budget = Budget::new(&Limits { request: 25, labels: 1, line: 1 });
        assert_eq!(budget.take_pairs([("name", "value"), ("a", "b")]), Ok(()));
        assert_eq!(budget.take(25), Ok(()));
        let refusal = budget.take_pairs([("", "")]).unwrap_err();
        assert!(refusal.contains("more than 100 bytes"), "{refusal}");
        assert!(refusal.contains("(4 times the limit: shipper.push.request_limit)"), "{refusal}");
    }
}
