# Opens the app; with arguments, what `potok` does with them: `just run console --help`.
run *args:
    cargo run --release -- {{args}}

# The tests that need no system package; with arguments, those of that name.
test *args:
    cargo test --workspace --locked {{args}}

# Format and lints, as the gate wants them.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- --deny warnings

# The gate: everything that must hold before a change lands.
ci:
    .ci/run

# Potok beside other programs, the quick form: a few minutes, printed and not kept. Needs root (benches/run.py).
bench *args: bench-build
    benches/run.py --quick {{args}}
    benches/report.py --results target/bench/quick.jsonl --print

# Everything, into benches/results.jsonl, and docs/performance.md from it. Half an hour on a machine that does nothing else.
bench-all *args: bench-build
    benches/run.py {{args}}
    benches/report.py

[private]
bench-build:
    cargo build --profile dist --workspace
    cargo build --profile dist --package potok --example window_demo --example window_script --example many_windows
    cargo build --release --manifest-path benches/trackbench/Cargo.toml

# Potok for Windows: type-checked and linked; the tests of its core and its programs run by wine. The result of the last run is in packaging/README.md.
windows *args:
    .ci/windows {{args}}
# Three servers of etcd and three trackers that are one network, on this computer, until Ctrl-C (docs/cluster.md).
cluster *args:
    cargo build --release --package potok-tracker
    tests/cluster/local.py {{args}}

# Packages for this system, into target/packages.
package:
    packaging/build.sh
    PROGRAMS=target/dist packaging/deb.sh
    PROGRAMS=target/dist packaging/portable.sh
    PROGRAMS=target/dist packaging/symbols.sh

# Whether two builds of this commit are the same bits.
reproducible *args:
    packaging/reproducible.sh {{args}}

# The proofs of what Potok promises, in their long form, into docs/promises.md.
promises *args:
    tests/promises.py {{args}}
