//! Whether alerts and samples are what was expected.

use super::file::{ExpectedAlert, ExpectedEvidence, ExpectedSample};

/// Which numbers count as equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Those that are.
    Same,
    /// Also those with no other number between them.
    Neighbours,
}

/// Both sorted by labels and annotations. Evidence that nobody expects may be anything.
pub fn alerts(expected: &[ExpectedAlert], found: &[ExpectedAlert], numbers: Numbers) -> bool {
    expected.len() == found.len()
        && expected.iter().zip(found).all(|(a, b)| {
            let evidence = a.evidence.as_ref().is_none_or(|a| evidence(a, b.evidence.as_ref(), numbers));
            a.labels == b.labels && a.annotations == b.annotations && evidence
        })
}

fn evidence(expected: &ExpectedEvidence, found: Option<&ExpectedEvidence>, numbers: Numbers) -> bool {
    found.is_some_and(|found| {
        samples(&expected.samples, &found.samples, numbers) && expected.lines == found.lines
    })
}

/// Both in the same order. NaN equals nothing, as in promtool.
pub fn samples(expected: &[ExpectedSample], found: &[ExpectedSample], numbers: Numbers) -> bool {
    expected.len() == found.len()
        && expected.iter().zip(found).all(|(a, b)| {
            a.labels == b.labels && a.histogram == b.histogram && numbers.equal(a.value, b.value)
        })
}

impl Numbers {
    fn equal(self, a: f64, b: f64) -> bool {
        a == b || (self == Numbers::Neighbours && (a.next_up() == b || a.next_down() == b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_equal_only_when_that_is_asked_for() {
        assert!(Numbers::Neighbours.equal(3.0, 3.0000000000000004));
        assert!(!Numbers::Neighbours.equal(3.0, 3.0000000000000013));
        assert!(!Numbers::Same.equal(3.0, 2.9999999999999996) && Numbers::Same.equal(0.0, -0.0));
        assert!(!Numbers::Neighbours.equal(f64::NAN, f64::NAN));
    }
}
