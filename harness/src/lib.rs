//! TCP conformance tests as scripts.
