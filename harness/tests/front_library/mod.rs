//! The fixtures shipped with the project, and a few requirements.

use tcpdrill::front::MemoryLibrary;

/// A library with the shipped fixtures.
pub(crate) fn library() -> MemoryLibrary {
    let mut library = MemoryLibrary::default();
    for (name, text) in [
        ("listener", include_str!("../../../cases/fixtures/listener.yaml")),
        ("server", include_str!("../../../cases/fixtures/server.yaml")),
        ("accepted", include_str!("../../../cases/fixtures/accepted.yaml")),
        ("client", include_str!("../../../cases/fixtures/client.yaml")),
        ("established", include_str!("../../../cases/fixtures/established.yaml")),
        ("time-wait", include_str!("../../../cases/fixtures/time-wait.yaml")),
        ("fin-wait-1", include_str!("../../../cases/fixtures/fin-wait-1.yaml")),
        ("fin-wait-2", include_str!("../../../cases/fixtures/fin-wait-2.yaml")),
    ] {
        library.add_fixture(name, text);
    }
    for number in 1..=69 {
        library.add_requirement(&format!("RFC9293/MUST-{number}"));
    }
    library
}
