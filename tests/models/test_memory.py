"""Large memory lies in huge pages where the kernel has them, and is what it was."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models import memory

REPO = Path(__file__).resolve().parents[2]
SWITCH = Path("/sys/kernel/mm/transparent_hugepage/enabled")

MAPS = """\
00400000-00c00000 rw-p 00000000 00:00 0                                  [heap]
7f0000100000-7f0000900000 rw-p 00000000 00:00 0
7f0010000000-7f0010100000 rw-p 00000000 00:00 0
7f0020000000-7f0020800000 r--p 00000000 00:00 0
7f0030000000-7f0030800000 rw-p 00000000 fe:00 77                         /usr/lib/a file with spaces.so
7f0040000000-7f0040800000 rw-s 00000000 00:01 5                          /dev/zero (deleted)
7ffc00000000-7ffc00800000 rw-p 00000000 00:00 0                          [stack]
"""

MOVE = """
import numpy as np
from pathlib import Path
from models import memory

def huge() -> int:
    rows = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("AnonHugePages"))

pieces = [np.full(1 << 16, number, dtype=np.float64) for number in range(96)]  # 48 MB in pieces that numpy asks for nothing
before = huge()
memory.into_huge_pages()
print(before, huge(), all(bool((piece == number).all()) for number, piece in enumerate(pieces)))
"""


def test_only_whole_huge_pages_of_private_memory_without_a_file_are_moved() -> None:
    assert list(memory._large_regions(MAPS)) == [(0x400000, 0x800000), (0x7F0000200000, 0x600000)]


def test_what_a_process_holds_moves_into_huge_pages_and_stays_what_it_was() -> None:
    if not SWITCH.exists() or "[never]" in SWITCH.read_text():
        pytest.skip("this kernel gives no huge pages; see /sys/kernel/mm/transparent_hugepage/enabled")
    found = subprocess.run([sys.executable, "-c", MOVE], cwd=REPO, capture_output=True, text=True, timeout=60, check=True)
    before, after, same = found.stdout.split()
    assert same == "True"
    assert int(after) >= int(before) + 16 * 1024  # kB


@pytest.mark.parametrize("shape", [(128, 3), (128, 1_000), (128, 8_160), (128, 9_000)])
def test_an_array_of_any_size_keeps_what_is_written_and_goes_when_nobody_holds_it(shape: tuple[int, int]) -> None:
    array = memory.empty(shape)
    assert (array.shape, str(array.dtype)) == (shape, "float32")
    assert array.flags.c_contiguous
    assert array.flags.writeable
    array[:] = np.arange(shape[1])
    part = array[5:7]
    address = array.ctypes.data
    del array
    gc.collect()
    assert np.array_equal(part, np.broadcast_to(np.arange(shape[1], dtype=np.float32), (2, shape[1])))
    del part
    gc.collect()
    if shape[0] * shape[1] * 4 >= memory.HUGE_PAGE // 4:
        assert address % memory.HUGE_PAGE == 0
        again = memory.empty(shape)
        assert again.ctypes.data == address
        assert not again.any()  # a template that was there is not left lying


def test_no_more_rooms_are_kept_than_a_change_wants() -> None:
    shape = (128, 20_000)
    arrays = [memory.empty(shape) for _ in range(memory.MOST_SPARE + 3)]
    addresses = {array.ctypes.data for array in arrays}
    assert len(addresses) == len(arrays)
    arrays.clear()
    gc.collect()
    maps = memory.MAPS.read_text()
    ranges = [tuple(int(end, 16) for end in line.split()[0].split("-")) for line in maps.splitlines()]
    mapped = sum(any(begin <= address < end for begin, end in ranges) for address in addresses)
    assert mapped <= memory.MOST_SPARE
