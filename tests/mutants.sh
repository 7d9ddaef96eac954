#!/usr/bin/env bash
# Takes each check of identity and sharing out, one at a time, and shows that the tests notice. About a minute each; with
# an argument only the mutants whose name contains it.
set -euo pipefail
cd "$(dirname "$0")/.."
POTOK_MUTANT="${1:-}" exec cargo test --package potok-tests --test mutants --locked -- --ignored --nocapture
