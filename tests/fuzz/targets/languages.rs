//! Queries: each is parsed or refused, and what is printed of it is read as the same query again.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    let _ = promql::parse(query);
    let Ok(parsed) = logql::parse(query) else { return };
    let printed = parsed.to_string();
    let again = logql::parse(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
    assert_eq!(again.to_string(), printed);
});
