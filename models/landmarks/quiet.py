"""A thread that gets no socket, and neither does any thread that it starts: the kernel refuses.

For a library that posts usage statistics and has no switch for it. Seccomp needs no privilege; it binds the calling thread and its
descendants alone, so that the kiosk's own sockets live on. Sockets within the machine are refused too: through them a name service
would ask for the library's host on its behalf. On an appliance the daemon has no network in the first place.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from models.errors import RuntimeUnfit

Result = TypeVar("Result")

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 22, 38, 2  # linux/prctl.h
NUMBER_AT, MACHINE_AT = 0, 4  # offsets in struct seccomp_data
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EAFNOSUPPORT  # SECCOMP_RET_*
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # classic BPF
X32 = 0x40000000  # calls of x86-64's other ABI carry this bit; nothing of ours uses it

# AUDIT_ARCH_* and the number of `socket`, by machine
MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198), "armv7l": (0x40000028, 281), "riscv64": (0xC00000F3, 198)}


@dataclass(frozen=True, slots=True)
class _Step:
    code: int
    value: int
    if_true: int = 0
    if_false: int = 0

    def packed(self) -> bytes:
        return struct.pack("=HBBI", self.code, self.if_true, self.if_false, self.value)


def _program(machine: int, socket_call: int) -> bytes:
    """`socket` fails with EAFNOSUPPORT, and so does every call through another machine's numbers."""
    steps = (
        _Step(LOAD, MACHINE_AT),
        _Step(EQUAL, machine, if_false=4),
        _Step(LOAD, NUMBER_AT),
        _Step(AT_LEAST, X32, if_true=2),
        _Step(EQUAL, socket_call, if_true=1),
        _Step(RETURN, ALLOW),
        _Step(RETURN, REFUSE),
    )
    return b"".join(step.packed() for step in steps)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def forbid_sockets() -> None:
    """From now on this thread, and whatever it starts, gets no socket. Cannot be undone. Raises RuntimeUnfit.

    A kernel that takes no filter is no harm where the whole process gets none already.
    """
    known = MACHINES.get(platform.machine())
    if known is None:
        raise RuntimeUnfit(f"no way is known to keep a thread of a {platform.machine()} from sockets")
    steps = _program(*known)
    program = _Program(len(steps) // 8, steps)
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value, more in ((PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), None), (PR_SET_SECCOMP, ctypes.c_ulong(FILTER), program)):
        given = ctypes.c_void_p(0) if more is None else ctypes.byref(more)
        if libc.prctl(option, value, given, ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
            why = errno.errorcode.get(ctypes.get_errno(), "unknown")
            if _are_refused():
                return
            raise RuntimeUnfit(f"the kernel does not let a thread give up sockets ({why})")
    if not _are_refused():
        raise RuntimeUnfit("a thread that gave up sockets still gets a socket")


def _are_refused() -> bool:
    """Tried, not believed."""
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        try:
            socket.socket(family, socket.SOCK_DGRAM).close()
        except OSError as error:
            if error.errno == errno.EAFNOSUPPORT:
                continue
        return False
    return True


def made_without_sockets(make: Callable[[], Result]) -> Result:
    """What `make` returns, called in a fresh thread without sockets: every thread that it starts is without, too.

    Raises RuntimeUnfit where that cannot be had.
    """
    with ThreadPoolExecutor(1, "quiet") as thread:
        thread.submit(forbid_sockets).result()  # an initializer would hide why it failed
        return thread.submit(make).result()
