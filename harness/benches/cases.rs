//! What a run is made of: reading cases, running them with their files written, judging again from traces.

#![expect(clippy::unwrap_used, reason = "what goes wrong fails the benchmark")]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput};
use tcpdrill::case::Case;
use tcpdrill::run::{Loaded, RunOptions, Tree, replay, run_case, save};
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::trace::Trace;

fn load(tree: &Tree, files: &[PathBuf]) -> Vec<Case> {
    let mut loaded = Loaded::default();
    for file in files {
        tree.load(file, &mut loaded).unwrap();
    }
    loaded.cases
}

fn main() {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let tree = Tree::embedded();
    let files = tree.files(Path::new("")).unwrap();
    let cases = load(&tree, &files);
    let (slow, rest): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| case.is_slow());
    let (impaired, plain): (Vec<&Case>, Vec<&Case>) =
        rest.into_iter().partition(|case| case.link.is_impaired());

    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Elements(1));
    group.bench_function("requirements", |bench| {
        bench.iter(|| Tree::embedded().requirements().map(|known| known.len()).unwrap());
    });
    group.throughput(Throughput::Elements(cases.len() as u64));
    group.bench_function("cases", |bench| bench.iter(|| load(&tree, black_box(&files)).len()));
    group.finish();

    for (name, cases) in [("plain", &plain), ("slow", &slow), ("impaired", &impaired)] {
        if !cases.is_empty() {
            run(&mut criterion, name, cases);
        }
    }
    criterion.final_summary();
}

/// The bundled stack, with and without files, and the engine alone on what it left in traces.
fn run(criterion: &mut Criterion, name: &str, cases: &[&Case]) {
    let factory = BundledFactory::new();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("captures");
    let options = RunOptions::default();
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(cases.len() as u64));
    group.bench_function("run", |bench| {
        bench.iter(|| cases.iter().map(|case| run_case(case, &factory, options).attempts).sum::<u32>());
    });
    group.bench_function("run-and-save", |bench| {
        bench.iter(|| {
            for case in cases {
                save(&folder, case, &run_case(case, &factory, options), 1).unwrap();
            }
        });
    });
    let traces: Vec<(&Case, Trace)> =
        cases.iter().filter_map(|case| Some((*case, run_case(case, &factory, options).trace?))).collect();
    group.throughput(Throughput::Elements(traces.len() as u64));
    group.bench_function("replay", |bench| {
        bench.iter(|| {
            for (case, trace) in &traces {
                black_box(replay(case, trace).unwrap());
            }
        });
    });
    group.finish();
    let _ = std::fs::remove_dir_all(folder);
}
