#!/usr/bin/env bash
# Makes the fonts in this folder and `app/src/gui/icons.rs` from the npm packages named in ../README.md.
# Needs npm, python3 and `pip install fonttools`.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
(cd "$work" && npm init -y >/dev/null && npm install --silent \
    @expo-google-fonts/inter@0.4.2 @expo-google-fonts/jetbrains-mono @phosphor-icons/web@2)
text=U+20-7E,U+A0-24F,U+2B0-36F,U+370-52F,U+1E00-1EFF,U+2000-206F,U+20A0-20BF,U+2100-22FF,U+25A0-27BF,U+27E8-27E9
subset() { pyftsubset "$1" --unicodes="$text" --notdef-outline --layout-features="$3" --output-file="$2" --glyph-names; }
python3 make.py tabular "$work"
for weight in 400Regular 500Medium 600SemiBold; do
    subset "$work/Inter_$weight.ttf" "Inter-${weight:3}.ttf" kern,mark,mkmk,ccmp,locl
done
subset "$work/node_modules/@expo-google-fonts/jetbrains-mono/400Regular/JetBrainsMono_400Regular.ttf" JetBrainsMono-Regular.ttf ccmp,mark
python3 make.py icons "$work"
