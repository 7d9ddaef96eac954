#!/usr/bin/env bash
# The files by which others package a release, with its version and the sums of what lies in target/packages, into
# target/packages/manifests: for AUR, Homebrew, winget and Scoop. What has no file there yet has zeros for a sum, and is told.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(packaging/version.sh)
into=target/packages/manifests
rm -rf "$into" && mkdir -p "$into"
sum() {
    if [ -e "target/packages/$1" ]; then
        sha256sum <"target/packages/$1" | cut -d' ' -f1
    else
        echo "not there: target/packages/$1" >&2
        printf '%064d' 0
    fi
}
source=$(sum "potok-$version-source.tar.xz")
zip=$(sum "potok-$version-windows-x86_64.zip")
setup=$(sum "potok-$version-windows-x86_64-setup.exe")
for from in packaging/aur/PKGBUILD packaging/homebrew/potok.rb packaging/scoop/potok.json packaging/winget/*.yaml; do
    to=$into/${from#packaging/}
    mkdir -p "${to%/*}"
    sed -e "s/@VERSION@/$version/g" -e "s/@SHA256_SOURCE@/$source/g" -e "s/@SHA256_ZIP@/$zip/g" \
        -e "s/@SHA256_SETUP@/${setup^^}/g" "$from" >"$to"
    echo "$to"
done
