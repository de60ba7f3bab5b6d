//! Scripts of ours as cases in YAML: read again they say the same, and they come out the same.
