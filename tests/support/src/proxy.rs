//! A proxy in front of a Kafka broker that can cut connections, also exactly between a request and its answer.

use parking_lot::Mutex;
use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Larger than any frame of a test.
const MAX_FRAME: usize = 64 << 20;

/// Stands between clients and one broker. Clients that ask it where the broker is are led back to it.
pub struct Proxy {
    link: Arc<Link>,
}

/// What all connections share.
struct Link {
    addr: SocketAddr,
    broker: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ended: bool,
    down: bool,
    open: Vec<TcpStream>,
    /// The kind of request of which an answer is to be lost, and how many are passed on before.
    lose: Option<(i16, usize)>,
    lost: usize,
}

impl Proxy {
    /// Listens on a free port of this machine; `broker` is `host:port`, as the broker itself tells its clients.
    pub fn start(broker: impl ToString) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("address");
        let link = Arc::new(Link { addr, broker: broker.to_string(), state: Mutex::default() });
        let accepting = link.clone();
        thread::spawn(move || accepting.accept(&listener));
        Proxy { link }
    }

    /// Where clients connect to.
    pub fn addr(&self) -> SocketAddr {
        self.link.addr
    }

    /// Cuts all connections, and new ones at once, until [`Proxy::mend`].
    pub fn cut(&self) {
        let mut state = self.link.state.lock();
        state.down = true;
        state.hang_up();
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.link.state.lock().down = false;
    }

    /// Cuts all connections instead of passing on the next answer to a request of this kind (Kafka's number): the
    /// broker has done what it was asked, and the client does not know.
    pub fn lose_next_answer(&self, api_key: i16) {
        self.lose_answer_behind(0, api_key);
    }

    /// The same with the answer behind the next `passed` of this kind.
    pub fn lose_answer_behind(&self, passed: usize, api_key: i16) {
        self.link.state.lock().lose = Some((api_key, passed));
    }

    /// How many answers were lost so far.
    pub fn lost(&self) -> usize {
        self.link.state.lock().lost
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.link.state.lock();
        state.ended = true;
        state.hang_up();
        // Wakes the thread that accepts; when it has gone already, all the better.
        let _ = TcpStream::connect(self.link.addr);
    }
}

impl State {
    /// Whether this is the answer to be lost. `is_of` tells whether it is of a kind.
    fn counts_down(&mut self, is_of: impl Fn(i16) -> bool) -> bool {
        let Some((api_key, passed)) = self.lose.filter(|(api_key, _)| is_of(*api_key)) else { return false };
        self.lose = passed.checked_sub(1).map(|passed| (api_key, passed));
        self.lose.is_none()
    }

    fn hang_up(&mut self) {
        for stream in self.open.drain(..) {
            // Its other end may have been quicker.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Link {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.state.lock().ended {
                return;
            }
            // A client that cannot be connected to the broker is hung up on, and tries again.
            let _ = client.and_then(|client| self.connect(client));
        }
    }

    fn connect(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let broker = TcpStream::connect(&self.broker)?;
        let mut state = self.state.lock();
        if state.down || state.ended {
            return Ok(());
        }
        state.open.extend([client.try_clone()?, broker.try_clone()?]);
        let asked = Arc::new(Mutex::new(HashSet::new()));
        let (link, requests) = (self.clone(), (client.try_clone()?, broker.try_clone()?, asked.clone()));
        thread::spawn(move || link.pass_requests(requests.0, requests.1, &requests.2));
        let link = self.clone();
        thread::spawn(move || link.pass_answers(broker, client, &asked));
        Ok(())
    }

    fn pass_requests(&self, mut from: TcpStream, mut to: TcpStream, asked: &Mutex<HashSet<(i16, i32)>>) {
        while let Ok(frame) = read_frame(&mut from) {
            if let [a, b, _, _, c, d, e, f, ..] = frame[4..] {
                asked.lock().insert((i16::from_be_bytes([a, b]), i32::from_be_bytes([c, d, e, f])));
            }
            if to.write_all(&frame).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }

    fn pass_answers(&self, mut from: TcpStream, mut to: TcpStream, asked: &Mutex<HashSet<(i16, i32)>>) {
        while let Ok(mut frame) = read_frame(&mut from) {
            if self.is_to_be_lost(&frame, &mut asked.lock()) {
                break;
            }
            self.lead_back(&mut frame);
            if to.write_all(&frame).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }

    fn is_to_be_lost(&self, answer: &[u8], asked: &mut HashSet<(i16, i32)>) -> bool {
        let Some(correlation_id) = answer[4..].first_chunk().copied().map(i32::from_be_bytes) else {
            return false;
        };
        let mut state = self.state.lock();
        let is_due = state.counts_down(|api_key| asked.contains(&(api_key, correlation_id)));
        asked.retain(|(_, id)| *id != correlation_id);
        if is_due {
            state.lost += 1;
            state.hang_up();
        }
        is_due
    }

    /// Puts this proxy's port in the place of the broker's. Wherever answers name a broker, its port comes as four
    /// bytes behind its host.
    fn lead_back(&self, answer: &mut [u8]) {
        let (host, port) = self.broker.rsplit_once(':').expect("host:port");
        let port: i32 = port.parse().expect("port");
        let place = [host.as_bytes(), &port.to_be_bytes()].concat();
        let own_port = i32::from(self.addr.port()).to_be_bytes();
        for at in 0..=answer.len().saturating_sub(place.len()) {
            if answer[at..].starts_with(&place) {
                answer[at + host.len()..at + place.len()].copy_from_slice(&own_port);
            }
        }
    }
}

/// A request or an answer with its length in front.
fn read_frame(from: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let size = u32::from_be_bytes(length) as usize;
    if size > MAX_FRAME {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = vec![0; 4 + size];
    frame[..4].copy_from_slice(&length);
    from.read_exact(&mut frame[4..])?;
    Ok(frame)
}
