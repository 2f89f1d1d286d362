//! `ip("10.0.0.0/8")`: a single address, a range `a-b`, or a network.

use std::{fmt, net::IpAddr};

use crate::{
    ParseError,
    parse::{Parser, text::quote},
};

/// Addresses from first to last, of one family.
#[derive(Clone, Debug)]
pub struct IpMatcher {
    pattern: String,
    first: IpAddr,
    last: IpAddr,
}

impl IpMatcher {
    /// From the word `ip` on. The outer error is one of syntax; the inner one, of the pattern, is for the caller to place.
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Result<Result<Self, String>, ParseError> {
        parser.advance();
        parser.expect("(")?;
        let pattern = parser.text()?;
        parser.expect(")")?;
        Ok(Self::new(&pattern))
    }

    /// # Errors
    /// When `pattern` is of none of the three forms.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let bounds = match (pattern.split_once('/'), pattern.split_once('-')) {
            (Some((address, bits)), _) => network(address, bits),
            (None, Some((first, last))) => range(first, last),
            (None, None) => pattern.parse().ok().map(|ip| (ip, ip)),
        };
        let (first, last) = bounds.ok_or_else(|| format!("ip: invalid pattern: {pattern:?}"))?;
        Ok(IpMatcher { pattern: pattern.into(), first, last })
    }

    /// Whether an address among the wanted ones stands anywhere in `line`.
    pub fn finds_in(&self, line: &[u8]) -> bool {
        let is_part = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b'.' | b':');
        line.split(|b| !is_part(b)).filter(|word| word.len() > 2).any(|word| self.is_any_of(word))
    }

    /// `word` holds hexadecimal digits, dots and colons only: an address, perhaps with a port behind it or
    /// letters in front of it.
    fn is_any_of(&self, word: &[u8]) -> bool {
        let Ok(word) = std::str::from_utf8(word) else { return false };
        let whole = word.trim_end_matches(['.', ':']);
        let without_port = whole.rsplit_once(':').map_or("", |(address, _)| address);
        let behind_name = whole.trim_start_matches(|c: char| !c.is_ascii_digit());
        [word, whole, without_port, behind_name].iter().any(|text| self.is(text))
    }

    fn is(&self, text: &str) -> bool {
        let Ok(address) = text.parse::<IpAddr>() else { return false };
        address.is_ipv4() == self.first.is_ipv4() && self.first <= address && address <= self.last
    }
}

fn range(first: &str, last: &str) -> Option<(IpAddr, IpAddr)> {
    let (first, last): (IpAddr, IpAddr) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first.is_ipv4() == last.is_ipv4() && first <= last).then_some((first, last))
}

fn network(address: &str, bits: &str) -> Option<(IpAddr, IpAddr)> {
    let bits: u32 = bits.parse().ok()?;
    Some(match address.parse().ok()? {
        IpAddr::V4(ip) => {
            let host = u32::MAX.checked_shr(bits).unwrap_or(0);
            let ip = u32::from(ip);
            (bits <= 32).then_some((IpAddr::V4((ip & !host).into()), IpAddr::V4((ip | host).into())))?
        }
        IpAddr::V6(ip) => {
            let host = u128::MAX.checked_shr(bits).unwrap_or(0);
            let ip = u128::from(ip);
            (bits <= 128).then_some((IpAddr::V6((ip & !host).into()), IpAddr::V6((ip | host).into())))?
        }
    })
}

impl fmt::Display for IpMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ip({})", quote(&self.pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(pattern: &str, line: &str) -> bool {
        IpMatcher::new(pattern).unwrap().finds_in(line.as_bytes())
    }

    #[test]
    fn addresses_are_found_within_a_line() {
        assert!(finds("192.168.0.0/16", "src 192.168.1.10 ok"));
        assert!(finds("192.168.4.5/16", "client=192.168.1.5:80"));
        assert!(!finds("192.168.0.0/16", "10.0.0.7:80 and no other"));
        assert!(finds("2001:db8::1-2001:db8::8", "from 2001:db8::3."));
        assert!(finds("127.0.0.1", "127.0.0.1"));
        assert!(!finds("127.0.0.1", "127.0.0.11 1127.0.0.1"));
        assert!(finds("0.0.0.0/0", "at 9.9.9.9"));
    }

    #[test]
    fn other_patterns_are_refused() {
        for pattern in ["b", "", "1.2.3.4/33", "1.2.3.9-1.2.3.4", "1.2.3.4-::1", "::1/129"] {
            assert!(IpMatcher::new(pattern).is_err(), "{pattern}");
        }
    }
}
