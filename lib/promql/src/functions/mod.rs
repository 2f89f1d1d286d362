//! PromQL's functions, a file for each kind; every file knows its own by name.

mod absent;
mod classic;
mod date;
mod histogram;
pub(crate) mod histogram_edges;
mod histogram_rate;
mod info;
mod label;
mod math;
mod over_time;
mod rate;
mod regression;
pub(crate) mod sort;
pub(crate) mod sum;
mod time;
mod whole;

use crate::{
    EvalError, ValueType,
    eval::{Evaluated, Evaluator, OverTime, Steps},
    query::expr::{Call, Expr, Place},
};

/// How a function is evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Function {
    /// Of each value of the vector that is the first argument, and of the scalars that are the others.
    Map(Map),
    /// Of the samples in a window.
    OverTime(OverTime),
    /// In its own way.
    Custom(Custom),
}

/// `None`: no value.
pub(crate) type Map = fn(f64, &[f64]) -> Option<f64>;

/// A function that takes its arguments itself.
pub(crate) type Custom = fn(&Evaluator<'_>, &Call, &Steps) -> Result<Evaluated, EvalError>;

/// The function of this name.
pub(crate) fn find(name: &str) -> Option<Function> {
    math::find(name)
        .map(Function::Map)
        .or_else(|| date::find(name).map(Function::Map))
        .or_else(|| rate::find(name).map(Function::OverTime))
        .or_else(|| over_time::find(name).map(Function::OverTime))
        .or_else(|| regression::find(name).map(Function::OverTime))
        .or_else(|| absent::find(name).map(Function::Custom))
        .or_else(|| histogram::find(name).map(Function::Custom))
        .or_else(|| info::find(name).map(Function::Custom))
        .or_else(|| label::find(name).map(Function::Custom))
        .or_else(|| sort::find(name).map(Function::Custom))
        .or_else(|| time::find(name).map(Function::Custom))
}

/// Writes out the arguments that a call may leave out.
pub(crate) fn complete(name: &str, args: &mut Vec<Expr>) {
    if name == "info" {
        info::complete(args);
    } else if args.is_empty() && date::find(name).is_some() {
        args.push(vector_of_time());
    }
}

/// Whether the value depends on the step even if the arguments do not.
pub(crate) fn depends_on_step(name: &str) -> bool {
    date::find(name).is_some() || matches!(name, "info" | "time" | "timestamp" | "predict_linear")
}

/// `vector(time())`
fn vector_of_time() -> Expr {
    let time = call("time", Function::Custom(time::time), Vec::new(), ValueType::Scalar);
    call("vector", Function::Custom(time::vector), vec![time], ValueType::Vector)
}

fn call(name: &'static str, function: Function, args: Vec<Expr>, returns: ValueType) -> Expr {
    Expr::Call(Call { name, function, args, returns, place: Place::default() })
}
