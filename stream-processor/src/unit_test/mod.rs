//! Unit tests of rules: promtool's test files as they are. Series and logs in, what the rules gave out, compared with
//! what was expected. The rules are evaluated by the engine's [`Evaluator`](crate::engine::Evaluator), as live.

mod compare;
mod file;
mod load;
mod run;
mod text;

pub use file::{
    AlertTest, ExpectedAlert, ExpectedSample, ExprTest, InputLine, InputSeries, Test, TestFile, parse,
};
pub use load::{Loaded, load};
pub use run::{Report, run};
