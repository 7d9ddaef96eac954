#!/usr/bin/env bash
# The sums of everything in target/packages into SHA256SUMS, and their signature into SHA256SUMS.minisig:
#   packaging/sign.sh [KEY]        KEY is a secret key of minisign (apt-get install minisign); without it only the sums
# `minisign -G -s potok.key -p packaging/minisign.pub` makes a pair of keys, once. The secret one belongs on no server that
# builds: whoever has it can sign anything. SECURITY.md says how people check.
set -euo pipefail
cd "$(dirname "$0")/../target/packages"
rm -f SHA256SUMS SHA256SUMS.minisig
find . -maxdepth 1 -type f -printf '%P\n' | LC_ALL=C sort | xargs --delimiter='\n' sha256sum >../SHA256SUMS
mv ../SHA256SUMS .
key=${1:-}
if [ -s "$key" ]; then
    minisign -S -s "$key" -m SHA256SUMS -t "Potok $(../../packaging/version.sh)"
else
    echo "no key: SHA256SUMS is not signed" >&2
fi
