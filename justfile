# The gate: everything that must hold before a change lands.
ci:
    .ci/run

# Potok's figures beside the limits of this machine, as ratios (docs/performance.md).
bench *args:
    cargo build --release --workspace
    benches/figures.py {{args}}

# Packages for this system, into target/packages.
package:
    packaging/deb.sh
    NO_BUILD=1 packaging/portable.sh

# The proofs of what Potok promises, in their long form, into docs/promises.md.
promises *args:
    tests/promises.py {{args}}
