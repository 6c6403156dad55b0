"""Cut the embedded set out of the full one: `python -m chainrule_datasets._build_embedded FULL`.

`FULL` names the full MNIST in any form that `mnist` reads. Of its 60,000 training images, 20,000 stay: the first 20,000
of a random permutation of all, in the order of the full set. The 10,000 test images stay, in order. The permutation
comes from NumPy's `RandomState`, whose stream is frozen for good, with the seed below.

The same input gives the same bytes, on any machine with the same zlib; another zlib may pack the same arrays in other
bytes. The script prints the arrays' digest, which `_embedded.py` holds.
"""

import io
import sys
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np

from chainrule_datasets._embedded import EMBEDDED, digest
from chainrule_datasets._mnist import mnist
from chainrule_datasets._npz import LAYOUTS

SEED: Final = 1998
FULL_SIZE: Final = 60_000
KEPT: Final = 20_000
_UNIX: Final = 3  # what ZipInfo says on Unix, said everywhere


def build(full: str | Path, target: Path = EMBEDDED) -> str:
    """Write the embedded set to `target`, and return the digest of its arrays."""
    data = mnist(full)
    sizes = len(data.train_labels), len(data.test_labels)
    if sizes != (FULL_SIZE, 10_000):
        raise SystemExit(
            f"{full}: expected the full set of 60,000 and 10,000 images, got {sizes[0]:,} and {sizes[1]:,}"
        )
    kept = np.sort(np.random.RandomState(SEED).permutation(FULL_SIZE)[:KEPT])
    arrays = (data.train_images[kept], data.train_labels[kept], data.test_images, data.test_labels)
    with ZipFile(target, "w") as archive:
        for key, array in zip(LAYOUTS[0], arrays, strict=True):
            content = io.BytesIO()
            np.save(content, array)
            member = ZipInfo(f"{key}.npy")  # dated 1980: no clock in the file
            member.create_system = _UNIX
            archive.writestr(member, content.getvalue(), ZIP_DEFLATED, compresslevel=9)
    return digest(arrays)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m chainrule_datasets._build_embedded FULL")
    print(f"DIGEST = {build(sys.argv[1])!r}, {EMBEDDED.stat().st_size:,} bytes in {EMBEDDED}")
