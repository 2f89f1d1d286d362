//! What names a group: the labels in the address of a push.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use event::{Labels, METRIC_NAME};

use super::super::selector::is_label_name;

/// A name that ends so has its value in base64.
const BASE64_SUFFIX: &str = "@base64";

/// The labels in `job/NAME/label/value/…`, percent-encoded as it came.
///
/// # Errors
/// What is wrong with it.
pub fn parse(path: &str) -> Result<Labels, String> {
    let parts: Vec<&str> = path.split('/').collect();
    if parts.len() % 2 == 1 {
        return Err(format!("the address has a label without a value: {path:?}"));
    }
    let pairs = parts.chunks(2).map(|pair| self::pair(pair[0], pair[1])).collect::<Result<Vec<_>, _>>()?;
    let (first, job) = &pairs[0];
    if first != "job" || job.is_empty() {
        return Err("the address begins with /metrics/job/NAME, and NAME is not empty".to_owned());
    }
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("the address has the label {:?} twice", twice[0]));
    }
    Ok(pairs.into_iter().collect())
}

fn pair(name: &str, value: &str) -> Result<(String, String), String> {
    let (name, is_base64) = name.strip_suffix(BASE64_SUFFIX).map_or((name, false), |name| (name, true));
    if !is_label_name(name) || name == METRIC_NAME {
        return Err(format!("{name:?} is no name of a label for a group"));
    }
    let value = match is_base64 {
        true => BASE64.decode(value.trim_end_matches('=')).map_err(|e| format!("base64 of {name:?}: {e}"))?,
        false => unescaped(value)?,
    };
    let value = String::from_utf8(value).map_err(|_| format!("the value of {name:?} is no UTF-8"))?;
    Ok((name.to_owned(), value))
}

fn unescaped(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let hex = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16));
        plain.push(match byte {
            b'%' => match (hex(bytes.next()), hex(bytes.next())) {
                (Some(high), Some(low)) => (high * 16 + low) as u8,
                _ => return Err(format!("percent sign without two hexadecimal digits in {text:?}")),
            },
            other => other,
        });
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_groups() {
        let labels = |path: &str| parse(path).unwrap();
        assert_eq!(labels("job/backup"), Labels::from([("job", "backup")]));
        assert_eq!(labels("job/a%20b/host/web%2F1"), Labels::from([("job", "a b"), ("host", "web/1")]));
        assert_eq!(
            labels("job@base64/YS9i/path@base64/L3Zhcg=="),
            Labels::from([("job", "a/b"), ("path", "/var")])
        );
        assert_eq!(labels("job/a/host@base64/="), Labels::from([("job", "a")]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (path, wanted) in [
            ("job", "without a value"),
            ("job/", "NAME is not empty"),
            ("host/a/job/b", "begins with /metrics/job"),
            ("job/a/host/b/host/c", "\"host\" twice"),
            ("job/a/1x/b", "no name of a label"),
            ("job/a/__name__/b", "no name of a label"),
            ("job@base64/!", "base64 of \"job\""),
            ("job@base64/_w", "no UTF-8"),
            ("job/%zz", "two hexadecimal digits"),
        ] {
            let error = parse(path).unwrap_err();
            assert!(error.contains(wanted), "{path}: {error}");
        }
    }
}
