//! A broker that is killed and started again whenever a line comes in: `crashing_node embedded|kafka DIR`. Prints its
//! address, and a line whenever it is back; stops at the end of standard input.

use std::io::stdin;
use std::path::Path;
use test_support::node::{Embedded, Kafka, Node};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut node: Box<dyn Node> = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["embedded", dir] => Box::new(Embedded::start(Path::new(dir))),
        ["kafka", dir] => Box::new(Kafka::start(Path::new(dir))),
        _ => panic!("usage: crashing_node embedded|kafka DIR"),
    };
    println!("{}", node.addr());
    for line in stdin().lines() {
        line.expect("text");
        node.crash();
        println!("back");
    }
}
