#!/usr/bin/env bash
# Manual pages and shell completions of both programs, in English, into target/documents.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
rm -rf target/documents
LC_ALL=C "$target/dist/potok" generate-docs target/documents
LC_ALL=C "$target/dist/potok-tracker" --generate-docs target/documents
