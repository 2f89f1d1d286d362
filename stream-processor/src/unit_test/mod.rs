//! Unit tests of rules: promtool's test files as they are. Series and logs in, what the rules gave out, compared with
//! what was expected. The rules are evaluated by the engine's [`Evaluator`](crate::engine::Evaluator), as live.

mod compare;
mod file;
mod load;
mod read;
mod run;
mod text;

pub use file::{
    AlertTest, ExpectedAlert, ExpectedEvidence, ExpectedLine, ExpectedSample, ExprTest, InputLine, InputSeries,
    Test, TestFile,
};
pub use load::{Loaded, load};
pub use read::parse;
pub use run::{Report, run};
