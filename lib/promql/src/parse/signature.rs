//! The functions of PromQL: what they take and what they give.

use crate::ValueType::{self, Matrix, Scalar, String, Vector};

/// A function from outside.
#[derive(Debug, PartialEq, Eq)]
pub struct Signature {
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments; the last one repeats if there are more.
    pub args: &'static [ValueType],
    /// How many of the arguments may be left out or added.
    pub variadic: Variadic,
    /// The type of its value.
    pub returns: ValueType,
    /// Whether it may still change.
    pub experimental: bool,
}

/// How many arguments a call may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variadic {
    /// As many as there are types.
    No,
    /// The last one may be left out, or be there so many times.
    UpTo(usize),
    /// The last one may be left out, or be there any number of times.
    Any,
}

const fn stable(name: &'static str, args: &'static [ValueType], returns: ValueType) -> Signature {
    Signature { name, args, variadic: Variadic::No, returns, experimental: false }
}

const fn experimental(name: &'static str, args: &'static [ValueType], returns: ValueType) -> Signature {
    Signature { experimental: true, ..stable(name, args, returns) }
}

const fn variadic(variadic: Variadic, signature: Signature) -> Signature {
    Signature { variadic, ..signature }
}

/// Of the values of a vector.
const fn map(name: &'static str) -> Signature {
    stable(name, &[Vector], Vector)
}

/// Of the parts of a date, by default of the step's time.
const fn date(name: &'static str) -> Signature {
    variadic(Variadic::UpTo(1), map(name))
}

/// Of the samples in a window.
const fn window(name: &'static str) -> Signature {
    stable(name, &[Matrix], Vector)
}

static SIGNATURES: [Signature; 90] = [
    map("abs"),
    map("absent"),
    window("absent_over_time"),
    map("acos"),
    map("acosh"),
    map("asin"),
    map("asinh"),
    map("atan"),
    map("atanh"),
    window("avg_over_time"),
    map("ceil"),
    window("changes"),
    stable("clamp", &[Vector, Scalar, Scalar], Vector),
    stable("clamp_max", &[Vector, Scalar], Vector),
    stable("clamp_min", &[Vector, Scalar], Vector),
    map("cos"),
    map("cosh"),
    window("count_over_time"),
    date("day_of_month"),
    date("day_of_week"),
    date("day_of_year"),
    date("days_in_month"),
    map("deg"),
    window("delta"),
    window("deriv"),
    experimental("double_exponential_smoothing", &[Matrix, Scalar, Scalar], Vector),
    experimental("end", &[], Scalar),
    map("exp"),
    window("first_over_time"),
    map("floor"),
    map("histogram_avg"),
    map("histogram_count"),
    stable("histogram_fraction", &[Scalar, Scalar, Vector], Vector),
    stable("histogram_quantile", &[Scalar, Vector], Vector),
    variadic(
        Variadic::UpTo(9),
        experimental("histogram_quantiles", &[Vector, String, Scalar, Scalar], Vector),
    ),
    map("histogram_stddev"),
    map("histogram_stdvar"),
    map("histogram_sum"),
    date("hour"),
    window("idelta"),
    window("increase"),
    variadic(Variadic::UpTo(1), experimental("info", &[Vector, Vector], Vector)),
    window("irate"),
    variadic(Variadic::Any, stable("label_join", &[Vector, String, String, String], Vector)),
    stable("label_replace", &[Vector, String, String, String, String], Vector),
    window("last_over_time"),
    map("ln"),
    map("log10"),
    map("log2"),
    experimental("mad_over_time", &[Matrix], Vector),
    experimental("max_of", &[Scalar, Scalar], Scalar),
    window("max_over_time"),
    experimental("min_of", &[Scalar, Scalar], Scalar),
    window("min_over_time"),
    date("minute"),
    date("month"),
    stable("pi", &[], Scalar),
    stable("predict_linear", &[Matrix, Scalar], Vector),
    window("present_over_time"),
    stable("quantile_over_time", &[Scalar, Matrix], Vector),
    map("rad"),
    experimental("range", &[], Scalar),
    window("rate"),
    window("resets"),
    variadic(Variadic::UpTo(1), stable("round", &[Vector, Scalar], Vector)),
    stable("scalar", &[Vector], Scalar),
    map("sgn"),
    map("sin"),
    map("sinh"),
    map("sort"),
    variadic(Variadic::Any, experimental("sort_by_label", &[Vector, String], Vector)),
    variadic(Variadic::Any, experimental("sort_by_label_desc", &[Vector, String], Vector)),
    map("sort_desc"),
    map("sqrt"),
    experimental("start", &[], Scalar),
    experimental("start_timestamp", &[Vector], Vector),
    window("stddev_over_time"),
    window("stdvar_over_time"),
    experimental("step", &[], Scalar),
    window("sum_over_time"),
    map("tan"),
    map("tanh"),
    stable("time", &[], Scalar),
    map("timestamp"),
    experimental("ts_of_first_over_time", &[Matrix], Vector),
    experimental("ts_of_last_over_time", &[Matrix], Vector),
    experimental("ts_of_max_over_time", &[Matrix], Vector),
    experimental("ts_of_min_over_time", &[Matrix], Vector),
    stable("vector", &[Scalar], Vector),
    date("year"),
];

/// The function of this name.
pub(super) fn signature(name: &str) -> Option<&'static Signature> {
    let at = SIGNATURES.binary_search_by(|known| known.name.cmp(name)).ok()?;
    Some(&SIGNATURES[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_by_name_and_can_be_evaluated() {
        assert!(SIGNATURES.is_sorted_by_key(|signature| signature.name));
        for known in &SIGNATURES {
            assert!(crate::functions::find(known.name).is_some(), "{}", known.name);
        }
    }
}
