//! Records of Kafka: each is read or refused, and what was read is the same after it has been written again.

#![no_main]

use event::Codec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    let Ok(event) = event::decode(value) else { return };
    let written = event::encode(&event, Codec::Batch);
    let [again] = written.as_slice() else { panic!("{} records of one", written.len()) };
    // As text, because NaN is not equal to itself.
    assert_eq!(format!("{:?}", event::decode(again)), format!("{:?}", Ok::<_, ()>(event)));
});
