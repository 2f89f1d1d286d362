//! Where calls stand in a query, for warnings. The parser's tree has no places, but names calls in the order of
//! the text, so the n-th call of a name is the n-th place where the name stands before a parenthesis.

use std::collections::{HashMap, VecDeque};

use super::token::{Kind, Token, tokens};
use crate::Position;

/// Where a call and its arguments begin; empty if that is not known.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub call: Option<Position>,
    pub args: Vec<Position>,
}

impl Place {
    pub fn arg(&self, index: usize) -> Option<Position> {
        self.args.get(index).copied()
    }
}

/// The places that are still to be asked for, by name.
pub struct Places(HashMap<String, VecDeque<Place>>);

impl Places {
    pub fn new(query: &str) -> Self {
        let tokens = tokens(query).unwrap_or_default();
        let mut places: HashMap<String, VecDeque<Place>> = HashMap::new();
        for (at, token) in tokens.iter().enumerate() {
            let after_at = at > 0 && tokens[at - 1].is_symbol("@");
            if token.kind != Kind::Word || after_at {
                continue;
            }
            if let Some(open) = arguments(&tokens, at + 1) {
                let call = Some(Position::at(query, token.offset));
                let args = starts(&tokens[open..]).map(|offset| Position::at(query, offset)).collect();
                places.entry(token.text.to_ascii_lowercase()).or_default().push_back(Place { call, args });
            }
        }
        Places(places)
    }

    /// The next place of a call of this name.
    pub fn next(&mut self, name: &str) -> Place {
        self.0.get_mut(name).and_then(VecDeque::pop_front).unwrap_or_default()
    }
}

/// The index of the parenthesis that opens the arguments; aggregations may have their labels before it.
fn arguments(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let next = tokens.get(at)?;
    if next.is_symbol("(") {
        return Some(at);
    }
    if !(next.is_word("by") || next.is_word("without")) {
        return None;
    }
    let close = at + tokens[at..].iter().position(|token| token.is_symbol(")"))?;
    tokens.get(close + 1).filter(|token| token.is_symbol("(")).map(|_| close + 1)
}

/// The offsets at which the arguments within the first parenthesis begin.
fn starts<'a>(tokens: &'a [Token<'a>]) -> impl Iterator<Item = usize> + 'a {
    let mut depth = 0;
    tokens
        .windows(2)
        .map_while(move |pair| {
            match pair[0].text {
                _ if pair[0].kind != Kind::Symbol => {}
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            let begins = depth == 1 && (pair[0].is_symbol("(") || pair[0].is_symbol(","));
            (depth > 0).then_some(begins.then_some(pair[1].offset))
        })
        .flatten()
}
