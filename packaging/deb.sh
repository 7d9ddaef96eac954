#!/usr/bin/env bash
# potok_*.deb and potok-tracker_*.deb into target/packages. Needs: cargo install cargo-deb --locked
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --profile dist --locked --package potok --package potok-tracker
packaging/documents.sh
mkdir -p target/packages
for package in potok potok-tracker; do
    cargo deb --package "$package" --profile dist --no-build --locked --output target/packages
done
