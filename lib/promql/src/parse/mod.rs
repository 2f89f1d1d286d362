//! Text to a checked tree: words (`lexer`), expressions by precedence (`parser`), types (`check`), and back to text.

mod aggregate;
pub mod ast;
mod check;
mod features;
mod lexer;
mod matching;
mod modifier;
mod number;
mod operator;
mod parser;
mod pretty;
mod print;
mod selector;
mod signature;
mod span;
mod text;
mod token;

use crate::ParseError;

pub use features::Features;

pub(crate) use ast::Node;
pub use signature::{Signature, Variadic};

/// The longest query that [`parse`](crate::parse) takes.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;
/// The deepest nesting of expressions that [`parse`](crate::parse) takes; a chain like `a or b or c` nests too.
pub const MAX_DEPTH: usize = 200;

/// The tree of `query`.
///
/// # Errors
/// When `query` is not PromQL, its types do not fit, or it is too long or too deep.
pub(crate) fn tree(query: &str, features: Features) -> Result<Node, ParseError> {
    if query.len() > MAX_QUERY_BYTES {
        let message = format!("query has {} bytes: at most {MAX_QUERY_BYTES} are allowed", query.len());
        return Err(ParseError::new(message));
    }
    let node = parser::Parser::new(query, features).whole()?;
    check::Checker(query).node(&node)?;
    Ok(node)
}
