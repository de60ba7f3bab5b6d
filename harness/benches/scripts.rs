//! Scripts are read, all of a folder in one go: the example scripts of the tests, or those of `TCPDRILL_SCRIPTS=DIR`.

#![expect(clippy::unwrap_used, reason = "what goes wrong fails the benchmark")]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use criterion::{Criterion, Throughput};
use tcpdrill::front::pkt::parse::parse;

/// All scripts below a folder.
fn scripts(folder: &Path, found: &mut Vec<Arc<str>>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "pkt") {
            found.push(Arc::from(fs::read_to_string(path).unwrap()));
        }
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut texts = Vec::new();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pkt/scripts");
    scripts(&std::env::var_os("TCPDRILL_SCRIPTS").map_or(own, PathBuf::from), &mut texts);
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    let definitions = [("TFO_COOKIE".to_owned(), "3021b9d889017eeb".to_owned())];
    let mut group = criterion.benchmark_group("scripts");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("parse", |bench| {
        bench.iter(|| {
            for text in &texts {
                let _ = black_box(parse("a.pkt", Arc::clone(text), &definitions));
            }
        });
    });
    group.finish();
    criterion.final_summary();
}
