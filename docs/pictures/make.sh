#!/usr/bin/env bash
# Pictures of every page, in both themes and languages, from the window over a made-up client. About a minute.
# Needs: apt-get install xvfb imagemagick libgl1 libxkbcommon-x11-0 libx11-xcb1 libxcursor1 libxi6 libxrender1
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --package potok --example window_demo
demo=${CARGO_TARGET_DIR:-target}/debug/examples/window_demo
folder=$(mktemp -d)
mkfifo "$folder/display"
Xvfb -displayfd 3 -screen 0 1120x740x24 -nolisten tcp 3>"$folder/display" >/dev/null 2>&1 & xvfb=$!
trap 'kill "$xvfb"; rm -r "$folder"' EXIT
read -r number <"$folder/display"
export DISPLAY=":$number" LANG=C.UTF-8
for theme in dark light; do
    for language in en bg; do
        for first in "" --first; do
            # It says of each picture its name and size when it is taken.
            "$demo" --pictures "$folder" --theme "$theme" --language "$language" $first 2>/dev/null |
                while read -r name size; do
                    convert -size "$size" -depth 8 "rgba:$folder/$name.rgba" -alpha off +dither -colors 255 \
                        "docs/pictures/$name.png"
                    rm "$folder/$name.rgba"
                    echo "docs/pictures/$name.png"
                done
        done
    done
done
