//! Changes to the tree of a template before it is run, and what can be told to be wrong with it already.

use gotmpl::{
    FuncMap,
    parse::{BranchNode, CommandNode, Expr, ListNode, Node, PipeNode, Pos},
};

/// Prints a value as Go does; every action that prints gets it as its last function.
pub const PRINT: &str = "__print";

/// The functions of Go's templates themselves.
const BUILTIN: [&str; 18] = [
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print",
    "printf", "println", "urlquery",
];

/// A function that is not known, and where it is called.
pub struct Unknown {
    pub name: String,
    pub offset: usize,
}

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
            other => {
                if let Some(branch) = branch_mut(other) {
                    print_all(&mut branch.body);
                    branch.else_body.iter_mut().for_each(print_all);
                }
            }
        }
    }
}

/// The first function that is neither Go's nor one of `known`.
pub fn unknown_function(list: &ListNode, known: &FuncMap) -> Option<Unknown> {
    list.nodes.iter().find_map(|node| in_node(node, known))
}

fn in_node(node: &Node, known: &FuncMap) -> Option<Unknown> {
    match node {
        Node::Action(action) => in_pipe(&action.pipe, known),
        Node::Template(call) => call.pipe.as_ref().and_then(|pipe| in_pipe(pipe, known)),
        Node::List(list) => unknown_function(list, known),
        Node::Define(define) => unknown_function(&define.body, known),
        Node::If(branch) | Node::Range(branch) | Node::With(branch) => in_pipe(&branch.pipe, known)
            .or_else(|| unknown_function(&branch.body, known))
            .or_else(|| branch.else_body.as_ref().and_then(|list| unknown_function(list, known))),
        Node::Text(_) | Node::Break(_) | Node::Continue(_) => None,
    }
}

fn in_pipe(pipe: &PipeNode, known: &FuncMap) -> Option<Unknown> {
    let args = pipe.commands.iter().flat_map(|command| &command.args);
    args.into_iter().find_map(|arg| match arg {
        Expr::Identifier(Pos { offset, .. }, name) => {
            let is_known = BUILTIN.contains(&name.as_str()) || known.contains_key(name.as_str());
            (!is_known).then(|| Unknown { name: name.to_string(), offset: *offset })
        }
        Expr::Pipe(_, pipe) => in_pipe(pipe, known),
        Expr::Chain(_, inner, _) => match inner.as_ref() {
            Expr::Pipe(_, pipe) => in_pipe(pipe, known),
            _ => None,
        },
        _ => None,
    })
}

fn branch_mut(node: &mut Node) -> Option<&mut BranchNode> {
    match node {
        Node::If(branch) | Node::Range(branch) | Node::With(branch) => Some(branch),
        _ => None,
    }
}
