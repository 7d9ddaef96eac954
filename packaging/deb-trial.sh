#!/usr/bin/env bash
# Tries the packages in a fresh Debian: installed, used, upgraded from the version before, removed.
#   packaging/deb-trial.sh [OLD.deb ...]      those of the version before; without, the new ones under an older number
# As root, with debootstrap and Debian's packages within reach; a few minutes, and 1 GB in the folder of temporary files.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(packaging/version.sh)
machine=$(dpkg --print-architecture)
new=(target/packages/potok_"$version"-1_"$machine".deb target/packages/potok-tracker_"$version"-1_"$machine".deb)
work=$(mktemp --directory)
root=$work/debian
trap 'umount --quiet "$root/proc" || true; rm -rf "$work"' EXIT

step() { printf '\n== %s\n' "$*"; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }
install_all() { inside apt-get -o Dpkg::Use-Pty=0 install --yes --quiet=2 --no-install-recommends "$@" >/dev/null; }

step "a Debian with nothing in it"
debootstrap --variant=minbase bookworm "$root" "${MIRROR:-http://deb.debian.org/debian}" >"$work/log" || { tail "$work/log"; exit 1; }
mount -t proc proc "$root/proc"
mkdir "$root/old" "$root/new"
cp "${new[@]}" "$root/new"
if (($#)); then
    cp "$@" "$root/old"
else
    for package in "${new[@]}"; do
        dpkg-deb --raw-extract "$package" "$work/older"
        sed --in-place 's/^Version: .*/Version: 0.0.9-1/' "$work/older/DEBIAN/control"
        dpkg-deb --build --root-owner-group "$work/older" "$root/old" >/dev/null
        rm -r "$work/older"
    done
fi

step "the version before is installed and used"
install_all $(cd "$root" && ls old/*.deb | sed 's,^,/,')
inside potok --version
echo "kept over the upgrade" >"$root/root/note.txt"
cat >"$root/root/use.sh" <<'USE'
set -eu
cd /root
potok-tracker --listen 127.0.0.1:0 --data-dir tracker >invite 2>tracker.log & tracker=$!
until [ "$(wc -l <invite)" -ge 2 ]; do sleep 0.1; done
invite=$(sed -n 2p invite)
mkfifo commands
potok console --data-dir anna --name anna --tracker "$invite" <commands >anna.log 2>&1 & anna=$!
exec 3>commands
[ -n "${1:-}" ] || echo 'register note.txt' >&3
rm -f fetched.txt
until potok console --data-dir boris --name boris --tracker "$invite" -c 'download anna note.txt fetched.txt' >boris.log 2>&1; do
    sleep 0.2
done
cmp note.txt fetched.txt
exec 3>&-
kill "$tracker"
wait "$anna" "$tracker" || true
rm commands
echo "a file went from one to the other"
USE
timeout 60 chroot "$root" env -i PATH=/usr/bin:/bin HOME=/root sh /root/use.sh

step "upgraded: the same people, the same shares"
key=$(sha256sum <"$root/root/anna/identity.key")
install_all $(cd "$root" && ls new/*.deb | sed 's,^,/,')
inside dpkg-query --show potok potok-tracker
timeout 60 chroot "$root" env -i PATH=/usr/bin:/bin HOME=/root sh /root/use.sh shared-before
[ "$key" = "$(sha256sum <"$root/root/anna/identity.key")" ]
inside sh -c 'ls /usr/share/applications/org.potok.Potok.desktop /usr/lib/systemd/system/potok-tracker.service /usr/share/man/man1/potok.1.gz'

step "removed, and what people have made stays"
inside apt-get -o Dpkg::Use-Pty=0 purge --yes --quiet=2 potok potok-tracker >/dev/null
! inside sh -c 'ls -d /usr/bin/potok* /usr/share/doc/potok* /usr/share/applications/org.potok*' 2>/dev/null
[ -e "$root/root/anna/identity.key" ]
printf '\nall of it worked\n'
