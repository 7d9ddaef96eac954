#!/usr/bin/env bash
# Fuzzes every target for some time, and keeps the inputs that reach something new.
#   tests/fuzz/run.sh [SECONDS-A-TARGET] [TARGET ...]
# Needs `cargo install cargo-fuzz` and a C++ compiler. New inputs lie in target/fuzz/corpus/<target>; one that fails is
# printed with its file, and belongs into tests/fuzz/corpus/<target>, where the ordinary test replays it.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-300}; shift || true
root=$(cd ../.. && pwd)
[ $# -gt 0 ] || set -- $(sed -n 's/^    ("\([a-z-]*\)", [a-z_:]*),$/\1/p' targets.rs)
# Coverage counters need no sanitizer, and so no nightly compiler but for the flags that cargo-fuzz itself gives.
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$root/target/fuzz/build"
for target in "$@"; do
    found="$root/target/fuzz/corpus/$target"
    mkdir -p "$found"
    echo "== $target, $seconds s"
    POTOK_FUZZ_TARGET=$target cargo fuzz run --fuzz-dir cargo-fuzz --sanitizer none any "$found" "corpus/$target" -- \
        -max_total_time="$seconds" -max_len=8192 -print_final_stats=1
done
