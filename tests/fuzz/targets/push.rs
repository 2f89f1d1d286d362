//! Push requests of strangers: each is understood or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|request: &[u8]| shipper::source::push::fuzzing::request(request));
