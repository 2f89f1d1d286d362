//! Changes to the tree of a template before it is run, and what can be told to be wrong with it already.

use std::collections::HashSet;

use gotmpl::{
    FuncMap,
    parse::{BranchNode, CommandNode, Expr, ListNode, Node, PipeNode},
};

use super::template::SyntaxError;

/// Prints a value as Go does; every action that prints gets it as its last function.
pub const PRINT: &str = "__print";

/// The functions of Go's templates themselves.
const BUILTIN: [&str; 18] = [
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print",
    "printf", "println", "urlquery",
];

/// Lets every action print through [`PRINT`].
pub fn print_all(list: &mut ListNode) {
    for node in &mut list.nodes {
        match node {
            Node::Action(action) if action.pipe.decl.is_empty() => {
                let print = Expr::Identifier(action.pos, PRINT.into());
                action.pipe.commands.push(CommandNode { pos: action.pos, args: vec![print] });
            }
            Node::List(list) => print_all(list),
            Node::Define(define) => print_all(&mut define.body),
            Node::If(branch) | Node::Range(branch) | Node::With(branch) => {
                print_all(&mut branch.body);
                branch.else_body.iter_mut().for_each(print_all);
            }
            _ => {}
        }
    }
}

/// The first function or variable of `lists` that nobody has defined.
pub fn find_unknown<'a>(
    lists: impl IntoIterator<Item = &'a ListNode>,
    known: &FuncMap,
) -> Option<SyntaxError> {
    let mut pipes = Vec::new();
    lists.into_iter().for_each(|list| in_list(list, &mut pipes));
    let variables: HashSet<&str> = pipes.iter().flat_map(|p| &p.decl).map(|name| name.as_str()).collect();
    let args = pipes.iter().flat_map(|pipe| &pipe.commands).flat_map(|command| &command.args);
    args.map(inner).find_map(|arg| match arg {
        Expr::Identifier(at, name)
            if !BUILTIN.contains(&name.as_str()) && !known.contains_key(name.as_str()) =>
        {
            Some(SyntaxError { message: format!("function {name:?} not defined"), offset: at.offset })
        }
        Expr::Variable(at, name, _) if name != "$" && !variables.contains(name.as_str()) => {
            Some(SyntaxError { message: format!("undefined variable {name:?}"), offset: at.offset })
        }
        _ => None,
    })
}

fn in_list<'a>(list: &'a ListNode, pipes: &mut Vec<&'a PipeNode>) {
    for node in &list.nodes {
        match node {
            Node::Action(action) => in_pipe(&action.pipe, pipes),
            Node::Template(call) => call.pipe.iter().for_each(|pipe| in_pipe(pipe, pipes)),
            Node::List(list) => in_list(list, pipes),
            Node::Define(define) => in_list(&define.body, pipes),
            Node::If(branch) | Node::Range(branch) | Node::With(branch) => in_branch(branch, pipes),
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
}

fn in_branch<'a>(branch: &'a BranchNode, pipes: &mut Vec<&'a PipeNode>) {
    in_pipe(&branch.pipe, pipes);
    in_list(&branch.body, pipes);
    branch.else_body.iter().for_each(|list| in_list(list, pipes));
}

fn in_pipe<'a>(pipe: &'a PipeNode, pipes: &mut Vec<&'a PipeNode>) {
    pipes.push(pipe);
    for arg in pipe.commands.iter().flat_map(|command| &command.args) {
        if let Expr::Pipe(_, nested) = inner(arg) {
            in_pipe(nested, pipes);
        }
    }
}

/// Of `(…).field` what stands in the parentheses.
fn inner(expr: &Expr) -> &Expr {
    match expr {
        Expr::Chain(_, inside, _) => inside,
        other => other,
    }
}

/// A block that does not end, or an end without a block: the parser takes both as the end of the text.
pub fn find_unbalanced(text: &str) -> Option<SyntaxError> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (offset, action) in actions(text) {
        let word = action.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        match word {
            "if" | "range" | "with" | "define" | "block" => open.push((offset, word)),
            "end" | "else" if open.is_empty() => {
                return Some(SyntaxError { message: format!("unexpected {{{{{word}}}}}"), offset });
            }
            "end" => drop(open.pop()),
            _ => {}
        }
    }
    let (offset, word) = open.pop()?;
    Some(SyntaxError { message: format!("{{{{{word}}}}} without {{{{end}}}}"), offset })
}

/// What stands between `{{` and `}}`, without comments.
fn actions(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("{{").map(|i| at + i) {
        let body = text[start + 2..].trim_start_matches('-').trim_start();
        if body.starts_with("/*") {
            at = text[start..].find("*/").map_or(text.len(), |i| start + i + 2);
            continue;
        }
        found.push((start, body));
        at = end_of_action(text, start + 2);
    }
    found
}

fn end_of_action(text: &str, from: usize) -> usize {
    let mut quote = None;
    let mut chars = text[from..].char_indices();
    while let Some((i, c)) = chars.next() {
        match (quote, c) {
            (Some('"'), '\\') => drop(chars.next()),
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`') => quote = Some(c),
            (None, '}') if text[from + i..].starts_with("}}") => return from + i + 2,
            (None, _) => {}
        }
    }
    text.len()
}
