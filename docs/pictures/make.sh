#!/usr/bin/env bash
# Pictures of every page, in both themes and languages, from the window over a made-up client.
# Needs: apt-get install xvfb imagemagick libgl1 libxkbcommon-x11-0 libx11-xcb1 libxcursor1 libxi6 libxrender1
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --package potok --example window_demo
demo=${CARGO_TARGET_DIR:-target}/debug/examples/window_demo
number=${DISPLAY_NUMBER:-78}
Xvfb ":$number" -screen 0 1120x740x24 -nolisten tcp >/dev/null 2>&1 & xvfb=$!
trap 'kill "$xvfb"' EXIT
export DISPLAY=":$number" LANG=C.UTF-8 POTOK_DEMO_STILL=1
sleep 1
for theme in dark light; do
    for language in en bg; do
        for page in ${PAGES:-browse transfers shared people tracker console settings welcome}; do
            first=(); [ "$page" = welcome ] && first=(--first)
            "$demo" --page "$page" --theme "$theme" --language "$language" "${first[@]}" 2>/dev/null & app=$!
            sleep "${WAIT_SECONDS:-4}"
            import -window root +dither -colors 255 "docs/pictures/$page-$theme-$language.png"
            kill "$app" 2>/dev/null || true; wait "$app" 2>/dev/null || true
        done
    done
done
