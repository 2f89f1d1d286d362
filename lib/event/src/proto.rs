//! Generated protobuf types: our own batch, and the foreign forms that clients push.

#![allow(missing_docs)]

/// `proto/event.proto`
pub mod event {
    include!(concat!(env!("OUT_DIR"), "/tailrace.event.v1.rs"));
}

/// `proto/loki_push.proto`
pub mod loki {
    include!(concat!(env!("OUT_DIR"), "/loki.push.rs"));
}

/// `proto/remote_read.proto` and `proto/remote_write.proto`, in the folders of their packages, by which others refer to
/// them.
mod prometheus {
    pub mod read {
        include!(concat!(env!("OUT_DIR"), "/prometheus.read.rs"));
    }
    pub mod write {
        include!(concat!(env!("OUT_DIR"), "/prometheus.write.rs"));
    }
}

/// `proto/remote_write_v2.proto`, likewise.
mod io {
    pub mod prometheus {
        pub mod write {
            pub mod v2 {
                include!(concat!(env!("OUT_DIR"), "/io.prometheus.write.v2.rs"));
            }
        }
    }
}

pub use io::prometheus::write::v2 as remote_write_v2;
pub use prometheus::{read as remote_read, write as remote_write};
