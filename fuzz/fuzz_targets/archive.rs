//! Archives and archives in archives: what is known of them does not depend on how the network cuts them.
#![no_main]

use intake_fuzz::cut;
use intake_plugin_archive::fuzz::walk;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|archive: &[u8]| {
    assert_eq!(walk(&cut(archive)), walk(&[archive]));
});
