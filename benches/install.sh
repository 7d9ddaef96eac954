#!/bin/sh
# Installs the programs that benches/run.py measures beside Potok: Debian's packages, and from crates.io what it has not.
# Starts no service. With --crates also rqbit and sendme, which take a quarter of an hour to build.
set -eu
export DEBIAN_FRONTEND=noninteractive
# RUNLEVEL: a package with a daemon does not start it.
apt-get update -qq
RUNLEVEL=1 apt-get install -qq --no-install-recommends aria2 b3sum bzip2 curl iproute2 mktorrent ncdc nginx-light openssl \
    procps python3 qbittorrent-nox redis-server syncthing uhub util-linux xvfb
if [ "${1:-}" = --crates ]; then
    cargo install --locked --version 9.1.0 --no-default-features --features default-tls rqbit
    cargo install --locked --version 0.37.1 --no-default-features sendme
fi
cargo build --release --manifest-path "$(dirname "$0")/trackbench/Cargo.toml"
