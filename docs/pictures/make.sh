#!/usr/bin/env bash
# Pictures of every page, in both themes and languages, of a real window: it hosts a tracker on this computer, at which real
# clients share generated files and fetch some, as slowly as their limits say. About three minutes, and 400 MB in the
# folder of temporary files. `make.sh FOLDER --size 1920x1080 --scale 2 --more` makes them elsewhere, of another size, and of
# what is asked over the pages too.
# Needs: apt-get install xvfb imagemagick libgl1 libxkbcommon-x11-0 libx11-xcb1 libxcursor1 libxi6 libxrender1
set -euo pipefail
into=$(realpath "${1:-$(dirname "$0")}")
shift || true
cd "$(dirname "$0")/../.."
cargo build --workspace --example window_pictures
pictures=${CARGO_TARGET_DIR:-target}/debug/examples/window_pictures
folder=$(mktemp -d)
mkfifo "$folder/display"
Xvfb -displayfd 3 -screen 0 3840x2160x24 -nolisten tcp 3>"$folder/display" >/dev/null 2>&1 & xvfb=$!
trap 'kill "$xvfb"; rm -r "$folder"' EXIT
read -r number <"$folder/display"
export DISPLAY=":$number" LANG=C.UTF-8 TZ=UTC
# It says of each picture its name and size when it is taken.
"$pictures" "$folder" "$@" 2>/dev/null | while read -r name size; do
    convert -size "$size" -depth 8 "rgba:$folder/$name.rgba" -alpha off +dither -colors 255 "$into/$name.png"
    rm "$folder/$name.rgba"
    echo "$into/$name.png"
done
