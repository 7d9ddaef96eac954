#!/usr/bin/env bash
# Potok.app and Potok-VERSION.dmg into target/packages, on a Mac. Never run so far: no Mac was at hand. It is not signed;
# the first start asks for a right click and "Open".
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --profile dist --locked --package potok
version=$(cargo pkgid --package potok | sed 's/.*[#@]//')
app=target/packages/Potok.app
rm -rf "$app"
mkdir -p "$app/Contents/MacOS" "$app/Contents/Resources"
cp target/dist/potok "$app/Contents/MacOS/"
cp assets/desktop/icons/potok.icns assets/licences.txt "$app/Contents/Resources/"
sed "s/@VERSION@/$version/" packaging/macos/Info.plist >"$app/Contents/Info.plist"
codesign --force --sign - "$app"
hdiutil create -volname Potok -srcfolder "$app" -ov -format UDZO "target/packages/Potok-$version.dmg"
