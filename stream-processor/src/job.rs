//! What the driver runs: a job reads topics and gives outputs. These are written together with how far the input
//! was read for them, see [`crate::session`].

use bus::{Consumer, Offsets, Outgoing, Record};

/// Reads topics, gives outputs. Its state is what the topics say, so that a restart needs nothing else.
pub trait Job {
    /// Name under which offsets are committed.
    fn group(&self) -> &str;

    /// Whoever opens a transaction under it is the one who does this job.
    fn transactional_id(&self) -> String;

    /// The topics to read.
    fn topics(&self) -> Vec<String>;

    /// Brings the state back; gives where to begin to read, the first record where nothing is given.
    ///
    /// # Errors
    /// When the broker does not answer.
    fn restore(&mut self, consumer: &Consumer) -> Result<Offsets, bus::Error>;

    /// Takes in one record.
    ///
    /// # Errors
    /// When the record cannot be read; the driver passes over it.
    fn take(&mut self, record: &Record) -> Result<(), event::DecodeError>;

    /// What can be given now.
    fn outputs(&mut self) -> Vec<Outgoing>;

    /// Committed with the offsets, for [`Job::restore`].
    fn mark(&self) -> String;
}
