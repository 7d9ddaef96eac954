#!/usr/bin/env bash
# potok_*.deb and potok-tracker_*.deb into target/packages, for the desktop and for a server. Needs dpkg-deb and
# `cargo install cargo-deb --locked --version 3.8.0`.
#   PROGRAMS=FOLDER packaging/deb.sh      of programs that are built already
set -euo pipefail
cd "$(dirname "$0")/.."
source packaging/programs.sh
packaging/documents.sh "$programs"
work=$(mktemp --directory)
trap 'rm -r "$work"' EXIT
# cargo-deb takes the programs from a target folder.
mkdir "$work/dist"
cp "$programs/potok" "$programs/potok-tracker" "$work/dist"
for package in potok potok-tracker; do
    CARGO_TARGET_DIR=$work cargo deb --package "$package" --profile dist --no-build --locked --strip --no-separate-debug-symbols --output target/packages
done
