//! The embedded broker on its own: `cargo run -p bus --example broker -- 127.0.0.1:9092 DATA_DIR`. Prints the address
//! when ready; stops at the end of standard input.

use bus::broker::{Broker, Config};
use std::path::PathBuf;
use tokio::io::AsyncReadExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let listen = args.next().ok_or("usage: broker ADDR DATA_DIR")?.parse()?;
    let data_dir = PathBuf::from(args.next().ok_or("usage: broker ADDR DATA_DIR")?);
    let broker = Broker::start(Config { listen, data_dir, ..Config::default() }).await?;
    println!("{}", broker.addr());
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    broker.stop().await;
    Ok(())
}
