# The two programs as they are packaged, for the other scripts here: `source packaging/programs.sh`.
#   PROGRAMS=FOLDER    takes potok and potok-tracker that are there already, as a release does that built them once
# Otherwise they are built, with the profile `dist`. Afterwards $programs is a folder with both, and $version is set.
# Whatever is made of them has no time but that of the last commit, so that the same sources give the same bits.
version=$(packaging/version.sh)
if [ -n "${PROGRAMS:-}" ]; then
    programs=$(realpath "$PROGRAMS")
else
    packaging/build.sh
    programs=$(realpath "${CARGO_TARGET_DIR:-target}/dist")
fi
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat --format=%Y Cargo.lock)}
export SOURCE_DATE_EPOCH
mkdir -p target/packages
