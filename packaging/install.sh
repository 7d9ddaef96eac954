#!/usr/bin/env bash
# Puts Potok into the menu of this user, so that potok:// links open it. Run it again after moving the folder;
# with --remove it takes everything away again. No rights of an administrator are needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
entry=$data/applications/org.potok.Potok.desktop
icon=$data/icons/hicolor/scalable/apps/org.potok.Potok.svg
if [ "${1:-}" = --remove ]; then
    rm -f "$entry" "$icon"
else
    mkdir -p "${entry%/*}" "${icon%/*}"
    # In a desktop entry a path stands in quotes, and each of " ` $ \ in it behind a backslash that is itself doubled.
    program=$(printf '%s' "$here/potok" | sed -e 's/[\\"`$]/\\\\&/g' -e 's/%/%%/g')
    while IFS= read -r line; do
        case $line in
        Exec=*) printf 'Exec="%s" %%u\n' "$program" ;;
        TryExec=*) printf 'TryExec=%s\n' "$here/potok" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$here/share/applications/org.potok.Potok.desktop" >"$entry"
    cp "$here/share/icons/hicolor/scalable/apps/org.potok.Potok.svg" "$icon"
fi
if command -v update-desktop-database >/dev/null; then update-desktop-database "$data/applications"; fi
