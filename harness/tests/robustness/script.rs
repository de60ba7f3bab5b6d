//! Whatever the bytes, a script is read or refused: never a panic, never without end.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::drivers::script;

/// The example scripts.
fn examples() -> &'static [Vec<u8>] {
    static EXAMPLES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pkt/scripts/syntax");
        let entries = fs::read_dir(folder).expect("the scripts");
        entries.map(|entry| fs::read(entry.expect("a script").path()).expect("a script")).collect()
    })
}

#[test]
fn every_beginning_of_every_example() {
    for example in examples() {
        for end in 0..example.len() {
            script(&example[..end]);
        }
    }
}

#[test]
fn much_of_the_same_is_read_in_time() {
    for part in [
        "[", "{", "(", "{a=", "1:", "1::", "1.", "/*", "//", "\"", "`", "%{", "#", "+", "-", "0 close(", "<",
        "\u{0}", "\\",
    ] {
        script(part.repeat(200_000 / part.len()).as_bytes());
        script(format!("0 close({}", part.repeat(200_000 / part.len())).as_bytes());
    }
}

#[test]
fn ten_megabytes_and_no_text_are_refused() {
    script(&vec![b' '; 10_000_000]);
    script(&[0xff; 1000]);
    script(&[0; 100_000]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn examples_with_bytes_changed(
        which in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = which.get(examples()).clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        script(&bytes);
    }

    #[test]
    fn examples_with_parts_moved(
        which in any::<Index>(),
        moves in prop::collection::vec((any::<Index>(), 0..12_usize, any::<Index>()), 1..6),
    ) {
        let mut bytes = which.get(examples()).clone();
        for (from, length, to) in moves {
            let from = from.index(bytes.len());
            let part = bytes[from..bytes.len().min(from + length)].to_vec();
            let to = to.index(bytes.len());
            bytes.splice(to..to, part);
        }
        script(&bytes);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        script(&bytes);
    }
}
