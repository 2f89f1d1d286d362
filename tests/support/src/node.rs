//! Brokers in processes of their own, which can be killed at any moment and go on with the same address and data.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::port;

/// A running broker.
pub trait Node {
    /// `host:port`.
    fn addr(&self) -> &str;

    /// kill -9 and a new start on the same port, with the same data.
    fn crash(&mut self);
}

/// The embedded broker as a process: the example `broker` of the crate `bus`, which `cargo test` builds along.
pub struct Embedded {
    child: Child,
    dir: PathBuf,
    addr: String,
}

impl Embedded {
    /// Starts it on a free port with its data in `dir`.
    pub fn start(dir: &Path) -> Embedded {
        Embedded::spawn(Command::new(program()), &addr(), dir)
    }

    /// One whose files cannot grow beyond 512 KiB, as if the disk were full; after a crash they can.
    pub fn start_confined(dir: &Path) -> Embedded {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""]).arg(program());
        Embedded::spawn(shell, &addr(), dir)
    }

    fn spawn(mut command: Command, addr: &str, dir: &Path) -> Embedded {
        // It stops when its standard input is closed, so none is left behind when a test fails.
        command.arg(addr).arg(dir).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().expect("the example `broker` is built; `cargo build -p bus --examples` does it");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("standard output");
        BufReader::new(stdout).read_line(&mut line).expect("address");
        Embedded { child, dir: dir.to_owned(), addr: line.trim().to_owned() }
    }

    fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

impl Node for Embedded {
    fn addr(&self) -> &str {
        &self.addr
    }

    fn crash(&mut self) {
        self.kill();
        *self = Embedded::spawn(Command::new(program()), &self.addr, &self.dir);
    }
}

fn addr() -> String {
    format!("127.0.0.1:{}", port::free())
}

fn program() -> PathBuf {
    let test = std::env::current_exe().expect("this program");
    test.ancestors().nth(2).expect("target directory").join("examples/broker")
}

/// A node of Apache Kafka, through `tests/kafka/kafka`.
pub struct Kafka {
    dir: PathBuf,
    addr: String,
}

impl Kafka {
    /// Starts a node that lives in `dir`.
    pub fn start(dir: &Path) -> Kafka {
        Kafka { dir: dir.to_owned(), addr: script("start", dir) }
    }
}

impl Node for Kafka {
    fn addr(&self) -> &str {
        &self.addr
    }

    fn crash(&mut self) {
        script("kill", &self.dir);
        assert_eq!(script("start", &self.dir), self.addr);
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        script("kill", &self.dir);
    }
}

fn script(verb: &str, dir: &Path) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../kafka/kafka");
    let output = Command::new(path).arg(verb).arg(dir).stderr(Stdio::inherit()).output().expect(path);
    assert!(output.status.success(), "{path} {verb}: {}", output.status);
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}
