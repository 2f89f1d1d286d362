//! Generates the wire types from `proto/`, without a `protoc` on the machine.

use std::{env, path::Path};

const PROTOS: [&str; 5] =
    ["event.proto", "loki_push.proto", "remote_read.proto", "remote_write.proto", "remote_write_v2.proto"];

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("proto");
    let descriptors = protox::compile(PROTOS, [&root]).expect("proto/*.proto are valid");
    prost_build::Config::new()
        .bytes([".tailrace.event.v1.LogEntry.line"])
        .compile_fds(descriptors)
        .expect("code for proto/*.proto can be written");
    println!("cargo:rerun-if-changed=proto");
}
