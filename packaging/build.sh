#!/usr/bin/env bash
# Both programs with the profile `dist`, so that the same sources give the same bits wherever they lie: no path of this
# computer is in them. With cargo-auditable (`cargo install cargo-auditable --locked`) they also say which crates they are
# made of: `cargo audit bin potok` asks them.
set -euo pipefail
cd "$(dirname "$0")/.."
home=${CARGO_HOME:-$HOME/.cargo}
sysroot=$(rustc --print sysroot)
# `--remap-path-prefix` for rustc, `-ffile-prefix-map` for the C of the cryptography library.
export CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$PWD=/potok"$'\x1f'"--remap-path-prefix=$home=/cargo"$'\x1f'"--remap-path-prefix=$sysroot=/rust"
# Quoted: folders have blanks in their names.
export CC_SHELL_ESCAPED_FLAGS=1
export CFLAGS="${CFLAGS:-} -ffile-prefix-map=${PWD@Q}=/potok -ffile-prefix-map=${home@Q}=/cargo"
build=(cargo build)
if cargo auditable --version >/dev/null 2>&1; then build=(cargo auditable build); fi
# Apart: what is built together is built with what either wants, and the tracker would have the client's crates in it.
for package in potok potok-tracker; do
    "${build[@]}" --profile dist --locked --package "$package" "$@"
done
