#!/usr/bin/env python3
"""zip.py FOLDER INTO.zip: a zip file of a folder, the same bits from the same files whenever it is made."""

import pathlib
import sys
import zipfile

# The earliest that the format knows.
MADE = (1980, 1, 1, 0, 0, 0)

folder, into = map(pathlib.Path, sys.argv[1:])
with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        entry = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", MADE)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, path.read_bytes())
