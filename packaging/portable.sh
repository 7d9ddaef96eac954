#!/usr/bin/env bash
# potok-VERSION-linux-MACHINE.tar.xz into target/packages: runs from wherever it is unpacked.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
[ -n "${NO_BUILD:-}" ] || cargo build --profile dist --locked --package potok --package potok-tracker
packaging/documents.sh
version=$(cargo pkgid --package potok | sed 's/.*[#@]//')
name=potok-$version-linux-$(uname -m)
work=$(mktemp --directory)
trap 'rm -r "$work"' EXIT
root=$work/$name
install -D --strip -t "$root" "$target/dist/potok" "$target/dist/potok-tracker"
install -D -m 644 -t "$root" README.md LICENSE LICENSE-MIT LICENSE-APACHE assets/licences.txt
install -D -m 644 -t "$root/share/applications" assets/desktop/org.potok.Potok.desktop
install -D -m 644 -t "$root/share/icons/hicolor/scalable/apps" assets/desktop/org.potok.Potok.svg
install -D -m 644 -t "$root/share/man/man1" target/documents/*.1
install -D -m 644 target/documents/potok.bash "$root/share/bash-completion/completions/potok"
install -D -m 755 packaging/install.sh "$root/install.sh"
mkdir -p target/packages
tar --create --xz --owner=0 --group=0 --sort=name --directory "$work" --file "target/packages/$name.tar.xz" "$name"
echo "target/packages/$name.tar.xz"
