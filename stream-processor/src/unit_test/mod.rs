//! Unit tests of rules: promtool's test files as they are. Series and logs in, what the rules gave out, compared with
//! what was expected. The rules are evaluated by the engine's [`Evaluator`](crate::engine::Evaluator), as live.

mod compare;
mod file;
mod load;
mod read;
mod run;
mod text;

pub use file::{
    AlertTest, ExpectedAlert, ExpectedEvidence, ExpectedLine, ExpectedSample, ExprTest, InputLine,
    InputSeries, Test, TestFile,
};
pub use load::{Loaded, load};
pub use read::parse;
pub use run::{Report, run};

/// How tests are read, and what is told of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What of PromQL rules and tests may use.
    pub features: promql::Features,
    /// Keys that nobody knows are no errors, in test files and rule files.
    pub ignore_unknown_fields: bool,
    /// A failure shows line by line how expected and found differ.
    pub diff: bool,
    /// A report has all data.
    pub data: bool,
}
