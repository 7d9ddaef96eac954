#!/usr/bin/env bash
# The icon in the sizes that each system wants, from org.potok.Potok.svg.
# Needs: apt-get install librsvg2-bin icoutils icnsutils
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p icons
for side in 16 22 24 32 48 64 128 256 512; do
    rsvg-convert --width "$side" --height "$side" org.potok.Potok.svg --output "icons/$side.png"
done
icotool --create --output=icons/potok.ico icons/{16,24,32,48,64}.png --raw=icons/256.png
png2icns icons/potok.icns icons/{16,32,48,128,256,512}.png >/dev/null
