#!/usr/bin/env bash
# The debug symbols of both programs, apart from them: target/packages/potok-VERSION-linux-MACHINE-debug.tar.xz. The
# packages have programs without; beside one of them, `potok.debug` lets gdb and a report of a crash name lines.
#   PROGRAMS=FOLDER packaging/symbols.sh      of programs that are built already
set -euo pipefail
cd "$(dirname "$0")/.."
source packaging/programs.sh
name=potok-$version-linux-$(uname -m)-debug
work=$(mktemp --directory)
trap 'rm -r "$work"' EXIT
mkdir "$work/$name"
for program in potok potok-tracker; do
    objcopy --only-keep-debug "$programs/$program" "$work/$name/$program.debug"
done
tar --create --xz --owner=0 --group=0 --numeric-owner --sort=name --mtime="@$SOURCE_DATE_EPOCH" --directory "$work" \
    --file "target/packages/$name.tar.xz" "$name"
echo "target/packages/$name.tar.xz"
