//! Segments with wrong content behind right checksums: each is read, or said to be damaged.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    log_index::fuzzing::footer(input);
    log_index::fuzzing::block(input);
});
