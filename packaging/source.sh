#!/usr/bin/env bash
# The sources of a commit, as they are packaged by others: source.sh [COMMIT] makes potok-VERSION-source.tar.xz.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(packaging/version.sh)
mkdir -p target/packages
git archive --prefix="potok-$version/" "${1:-HEAD}" | xz --threads=1 >"target/packages/potok-$version-source.tar.xz"
echo "target/packages/potok-$version-source.tar.xz"
