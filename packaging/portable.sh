#!/usr/bin/env bash
# potok-VERSION-linux-MACHINE.tar.xz into target/packages: runs from wherever it is unpacked.
#   PROGRAMS=FOLDER packaging/portable.sh      of programs that are built already
set -euo pipefail
cd "$(dirname "$0")/.."
source packaging/programs.sh
packaging/documents.sh "$programs"
name=potok-$version-linux-$(uname -m)
work=$(mktemp --directory)
trap 'rm -r "$work"' EXIT
root=$work/$name
install -D --strip -t "$root" "$programs/potok" "$programs/potok-tracker"
install -D -m 644 -t "$root" README.md LICENSE LICENSE-MIT LICENSE-APACHE assets/licences.txt
install -D -m 644 -t "$root/share/applications" assets/desktop/org.potok.Potok.desktop
install -D -m 644 -t "$root/share/icons/hicolor/scalable/apps" assets/desktop/org.potok.Potok.svg
install -D -m 644 -t "$root/share/man/man1" target/documents/*.1
install -D -m 644 target/documents/potok.bash "$root/share/bash-completion/completions/potok"
install -D -m 755 packaging/install.sh "$root/install.sh"
tar --create --xz --owner=0 --group=0 --numeric-owner --sort=name --mtime="@$SOURCE_DATE_EPOCH" --directory "$work" \
    --file "target/packages/$name.tar.xz" "$name"
echo "target/packages/$name.tar.xz"
