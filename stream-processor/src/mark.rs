//! What is committed with the offsets of a shard.

use serde::{Deserialize, Serialize};

/// Says from where to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    version: u32,
    /// The last step whose outputs are written, in milliseconds; nothing before the first one.
    pub step: Option<i64>,
    /// The number of shards under which it was written.
    #[serde(default = "one")]
    shards: usize,
    /// Where the first shard stood when there came to be so many: where all of them began.
    began: Option<i64>,
}

const MARK_VERSION: u32 = 1;

fn one() -> usize {
    1
}

/// Which part of the rules it is.
#[derive(Clone, Copy, Debug)]
pub struct Shard {
    /// From 0.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl Shard {
    /// Where all shards began, after what the first one has committed.
    pub fn began(&self, first: Option<Mark>) -> Option<i64> {
        first.and_then(|mark| if mark.shards == self.of { mark.began } else { mark.step })
    }

    /// Whether it goes on from its own mark: what it wrote while there were other shards is not of these.
    pub fn goes_on(&self, own: Option<Mark>, began: Option<i64>) -> bool {
        self.number == 0 || own.is_some_and(|mark| (mark.shards, mark.began) == (self.of, began))
    }

    /// A mark of its own.
    pub fn mark(&self, step: Option<i64>, began: Option<i64>) -> Mark {
        Mark { version: MARK_VERSION, step, shards: self.of, began }
    }
}

impl Mark {
    /// `None`: not one of this version.
    pub fn parse(text: &str) -> Option<Mark> {
        serde_json::from_str(text).ok().filter(|mark: &Mark| mark.version == MARK_VERSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shards_begin_where_the_first_stood_when_their_number_changed() {
        let shard = |number, of| Shard { number, of };
        let single = Mark::parse(r#"{"version":1,"step":50}"#);
        let began = shard(2, 4).began(single);
        assert_eq!((began, shard(2, 4).goes_on(None, began)), (Some(50), false));
        let own = Some(shard(2, 4).mark(Some(70), began));
        let first = Some(shard(0, 4).mark(Some(90), began));
        assert_eq!(shard(2, 4).began(first), began, "however far the first one has come since");
        assert!(shard(2, 4).goes_on(own, began));
        // To two shards, and back to four.
        let two = shard(0, 2).mark(Some(110), shard(0, 2).began(first));
        let again = shard(2, 4).began(Some(two));
        assert_eq!((again, shard(2, 4).goes_on(own, again)), (Some(110), false));
        assert!(shard(0, 4).goes_on(Some(two), again), "the first one is always the same");
    }
}
