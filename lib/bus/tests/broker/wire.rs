//! A bare client: one frame out, one frame in.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{
    Decodable, HeaderVersion, Request, StrBytes, encode_request_header_into_buffer,
};
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A bare client.
pub struct Wire(TcpStream);

impl Wire {
    pub fn connect(addr: SocketAddr) -> Wire {
        let stream = TcpStream::connect(addr).expect("connected");
        stream.set_read_timeout(Some(test_support::client::PATIENCE)).expect("time-out set");
        Wire(stream)
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        // A broker that has closed the connection meanwhile is seen when reading.
        let _ = self.0.write_all(bytes);
    }

    /// Sends bytes as one frame.
    pub fn send_frame(&mut self, frame: &[u8]) {
        self.send_bytes(&[&(frame.len() as u32).to_be_bytes()[..], frame].concat());
    }

    /// The next frame; `None` when the broker has closed the connection.
    pub fn receive(&mut self) -> Option<Bytes> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).ok()?;
        let mut frame = BytesMut::zeroed(u32::from_be_bytes(length) as usize);
        self.0.read_exact(&mut frame).ok()?;
        Some(frame.freeze())
    }

    /// Sends a request and waits for its answer.
    pub fn ask<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        self.send_frame(&frame(request, version));
        let mut frame = self.receive().expect("an answer");
        ResponseHeader::decode(&mut frame, R::Response::header_version(version)).expect("header");
        R::Response::decode(&mut frame, version).expect("answer")
    }

    /// Whether the broker closes the connection: silence is no end.
    pub fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }
}

/// The frame of a request.
pub fn frame<R: Request>(request: &R, version: i16) -> BytesMut {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(7)
        .with_client_id(Some(StrBytes::from_static_str("wire")));
    let mut frame = BytesMut::new();
    encode_request_header_into_buffer(&mut frame, &header).expect("header");
    request.encode(&mut frame, version).expect("request");
    assert!(ApiKey::try_from(R::KEY).is_ok());
    frame
}

/// A batch of one record of an idempotent producer.
pub fn batch(producer_id: i64, epoch: i16, sequence: i32, value: &str) -> Bytes {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id,
        producer_epoch: epoch,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(sequence.max(0)),
        sequence,
        timestamp: 1,
        key: None,
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: Default::default(),
    };
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    let mut bytes = BytesMut::new();
    RecordBatchEncoder::encode(&mut bytes, [&record], &options).expect("batch");
    bytes.freeze()
}
