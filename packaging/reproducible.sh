#!/usr/bin/env bash
# Builds one commit twice, in folders of different names and with target folders of their own, and compares the programs
# bit by bit:
#   packaging/reproducible.sh [COMMIT]
# Twice a whole build with the profile `dist`: half an hour on two processors, and 6 GB in the folder of temporary files.
set -euo pipefail
cd "$(dirname "$0")/.."
commit=$(git rev-parse "${1:-HEAD}")
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
for folder in first "the second, elsewhere"; do
    mkdir "$work/$folder"
    git archive "$commit" | tar --extract --directory "$work/$folder"
    (cd "$work/$folder" && unset CARGO_TARGET_DIR && packaging/build.sh)
done
same=0
for program in potok potok-tracker; do
    one=$(sha256sum <"$work/first/target/dist/$program")
    other=$(sha256sum <"$work/the second, elsewhere/target/dist/$program")
    if [ "$one" = "$other" ]; then
        echo "$program: the same bits, ${one%% *}"
    else
        echo "$program: DIFFERENT bits, ${one%% *} and ${other%% *}"
        same=1
    fi
done
exit $same
