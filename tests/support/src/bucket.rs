//! An S3 server with one bucket, and a line to it that can be cut.

use std::{
    env,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::port;

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server; it ends with this value.
pub struct Server {
    child: Child,
    line: Arc<Line>,
    address: SocketAddr,
}

#[derive(Default)]
struct Line {
    is_cut: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Server {
    /// Starts the program that `TAILRACE_TEST_MOTO` names, with the bucket `logs`.
    pub fn start() -> Server {
        let program =
            env::var("TAILRACE_TEST_MOTO").expect("TAILRACE_TEST_MOTO names the program to test with");
        let server = SocketAddr::from(([127, 0, 0, 1], port::free()));
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &server.port().to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, line) = (listener.local_addr().unwrap(), Arc::<Line>::default());
        let started = Server { child, line: line.clone(), address };
        make_bucket(server);
        thread::spawn(move || listener.incoming().for_each(|client| line.join(client.unwrap(), server)));
        started
    }

    /// Where clients connect to.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends all connections, and new ones as they come.
    pub fn cut(&self) {
        self.line.is_cut.store(true, Ordering::SeqCst);
        self.line.open.lock().drain(..).for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.line.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn make_bucket(server: SocketAddr) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(mut stream) = TcpStream::connect(server) {
            let request = format!(
                "PUT /logs HTTP/1.1\r\nHost: {server}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            return;
        }
        assert!(Instant::now() < deadline, "the S3 server does not start");
        thread::park_timeout(Duration::from_millis(50));
    }
}

impl Line {
    fn join(&self, client: TcpStream, server: SocketAddr) {
        let Ok(server) = TcpStream::connect(server) else { return };
        let mut open = self.open.lock();
        if self.is_cut.load(Ordering::SeqCst) {
            return;
        }
        open.extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
        pump(client.try_clone().unwrap(), server.try_clone().unwrap());
        pump(server, client);
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        // Either side may go at any time.
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
