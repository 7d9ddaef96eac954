#!/usr/bin/env bash
# Manual pages and shell completions of both programs, in English, into target/documents: documents.sh FOLDER, where
# potok and potok-tracker are.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=${1:-${CARGO_TARGET_DIR:-target}/dist}
rm -rf target/documents
LC_ALL=C "$programs/potok" generate-docs target/documents
LC_ALL=C "$programs/potok-tracker" --generate-docs target/documents
