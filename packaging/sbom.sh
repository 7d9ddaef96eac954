#!/usr/bin/env bash
# What both programs are made of, as CycloneDX (https://cyclonedx.org) reads it, into target/packages: every crate that
# Cargo.lock has, with its version, licence and hash. Needs: cargo install cargo-cyclonedx --locked --version 0.5.9
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(packaging/version.sh)
mkdir -p target/packages
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
# It writes beside each manifest, of the libraries too.
cargo cyclonedx --format json --spec-version 1.5 --target all --override-filename sbom
for package in app:potok tracker-bin:potok-tracker; do
    # Where this folder lies is nobody's business, and is not the same twice.
    sed "s,file://$PWD,file:///potok,g" "${package%%:*}/sbom.json" >"target/packages/${package#*:}-$version.cdx.json"
    echo "target/packages/${package#*:}-$version.cdx.json"
done
rm -f {app,core,tests,tracker-bin}/sbom.json
