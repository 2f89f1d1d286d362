//! A proxy that cuts its connections again and again, each time just before an acknowledgement of records would pass:
//! `lossy_proxy HOST:PORT`. Prints its address; at the end of standard input it prints how often it did, and stops.

use std::io::{Read, stdin};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;
use test_support::proxy::Proxy;

const PRODUCE: i16 = 0;
/// Acknowledgements that pass before one is lost, so that clients get on.
const PASSED: usize = 7;
const LOOK: Duration = Duration::from_millis(1);

fn main() {
    let broker = std::env::args().nth(1).expect("usage: lossy_proxy HOST:PORT");
    let proxy = Proxy::start(broker);
    println!("{}", proxy.addr());
    let (end, ended) = mpsc::channel::<()>();
    thread::spawn(move || {
        // However it ends, it ends.
        let _ = stdin().read_to_end(&mut Vec::new());
        drop(end);
    });
    let mut lost = None;
    while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        if lost.replace(proxy.lost()) != Some(proxy.lost()) {
            proxy.lose_answer_behind(PASSED, PRODUCE);
        }
    }
    println!("{}", proxy.lost());
}
