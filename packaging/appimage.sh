#!/usr/bin/env bash
# Potok-VERSION-MACHINE.AppImage into target/packages. Needs mksquashfs (apt-get install squashfs-tools) and the
# runtime that stands in front of every AppImage (type 2, of https://github.com/AppImage/type2-runtime):
#   APPIMAGE_RUNTIME=path/to/runtime-x86_64 [PROGRAMS=FOLDER] packaging/appimage.sh
set -euo pipefail
cd "$(dirname "$0")/.."
runtime=${APPIMAGE_RUNTIME:?the path of the runtime}
source packaging/programs.sh
work=$(mktemp --directory)
trap 'rm -r "$work"' EXIT
install -D --strip -t "$work/app/usr/bin" "$programs/potok"
install -m 644 -t "$work/app" assets/desktop/org.potok.Potok.desktop assets/desktop/org.potok.Potok.svg
install -D -m 644 -t "$work/app/usr/share/metainfo" assets/desktop/org.potok.Potok.metainfo.xml
install -m 644 assets/desktop/icons/256.png "$work/app/.DirIcon"
ln -s usr/bin/potok "$work/app/AppRun"
mksquashfs "$work/app" "$work/squashfs" -root-owned -noappend -comp xz -quiet -no-progress
image=target/packages/Potok-$version-$(uname -m).AppImage
cat "$runtime" "$work/squashfs" >"$image"
chmod +x "$image"
echo "$image"
