#!/usr/bin/env bash
# The portable zip and the installer for Windows into target/packages:
#   packaging/windows/package.sh FOLDER      where potok.exe is, and potok-tracker.exe if that is to be in it
# On Linux, with `apt-get install nsis binutils-mingw-w64-x86-64`, or on Windows in the shell of Git with NSIS 3.
set -euo pipefail
cd "$(dirname "$0")/../.."
from=$(realpath "${1:?the folder in which potok.exe is}")
version=$(packaging/version.sh)
work=$(mktemp --directory)
trap 'rm -r "$work"' EXIT

# Without debug symbols, which lie beside for whoever looks for a fault.
programs=$work/programs
mkdir "$programs" && mkdir -p target/packages
for program in potok potok-tracker; do
    [ -e "$from/$program.exe" ] || continue
    cp "$from/$program.exe" "$programs"
    if command -v x86_64-w64-mingw32-strip >/dev/null; then x86_64-w64-mingw32-strip "$programs/$program.exe"; fi
done

name=potok-$version-windows-x86_64
portable=$work/$name
mkdir "$portable"
cp "$programs"/*.exe packaging/windows/{potok-portable.cmd,links.reg} README.md LICENSE LICENSE-MIT \
    LICENSE-APACHE assets/licences.txt "$portable"
python3 packaging/windows/zip.py "$portable" "target/packages/$name.zip"
echo "target/packages/$name.zip"

kilobytes=$(du --summarize --apparent-size --block-size=1024 "$programs" | cut -f1)
out=target/packages/potok-$version-windows-x86_64-setup.exe
makensis -V2 -INPUTCHARSET UTF8 -DVERSION="$version" -DVERSION_4="${version%%-*}.0" -DPOTOK="$programs" -DROOT="$PWD" \
    -DKILOBYTES="$kilobytes" -DOUT="$PWD/$out" packaging/windows/installer.nsi
echo "$out"
