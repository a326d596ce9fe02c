"""What each daemon must not be able to do, tried from inside its own sandbox: `daka doctor --privacy`.

Several directives of systemd are ignored in silence where a kernel or a container lacks something; only trying shows what holds.
Nothing is changed, no packet reaches anybody: addresses are those that RFC 5737 reserves for documentation.
"""

from __future__ import annotations

import ctypes
import errno
import glob
import json
import os
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

NOWHERE = ("192.0.2.1", 9)  # TEST-NET-1, RFC 5737, and the discard port
MICROPHONES = "/dev/snd/pcmC*D*c"
FIRST_MICROPHONE = "/dev/snd/pcmC0D0c"  # tried where none is to be seen
CONNECT_S = 2.0
DENIED = frozenset({errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT, errno.EROFS})
NO_WAY = DENIED | {errno.ENETUNREACH}  # in a network of its own there is no way out, whatever the machine has
ABSENT = frozenset({errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ENETUNREACH})
UNITS = ("daka-kiosk", "daka-uplink", "daka-bridge", "daka-web", "daka-display")


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that a daemon must not be able to do, and the try; `sentence` says it to a person.

    `path`: what is to be opened, for whoever knows whether it exists outside the sandbox.
    """

    sentence: str
    attempt: Callable[[], object]
    denied: frozenset[int] = DENIED
    path: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """How a try came out. `outcome`: refused, absent (there is nothing to reach on this machine) or possible."""

    unit: str
    sentence: str
    outcome: str
    how: str
    path: str = ""


def _internet_socket() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()


def _connect() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as way:
        way.settimeout(CONNECT_S)
        way.connect(NOWHERE)


def _send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.sendto(b"", NOWHERE)


def _asks(path: str) -> Callable[[], None]:
    def attempt() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as way:
            way.connect(path)

    return attempt


def _asks_systemd() -> None:
    """On the system bus, for its version: it answers everybody who may speak to it. sd_bus_get_property_string(3)."""
    library = ctypes.CDLL("libsystemd.so.0")
    bus, version = ctypes.c_void_p(), ctypes.c_char_p()
    answer = library.sd_bus_open_system(ctypes.byref(bus))
    if answer >= 0:
        whom = (b"org.freedesktop.systemd1", b"/org/freedesktop/systemd1", b"org.freedesktop.systemd1.Manager", b"Version")
        answer = library.sd_bus_get_property_string(bus, *whom, None, ctypes.byref(version))
        library.sd_bus_flush_close_unref(bus)
    if answer < 0:
        raise OSError(-answer, os.strerror(-answer))


def _opens(path: str, flags: int = os.O_RDONLY) -> Callable[[], None]:
    def attempt() -> None:
        os.close(os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC))

    return attempt


def _listens() -> None:
    """One microphone that opens is enough."""
    why: OSError | None = None
    for path in sorted(glob.glob(MICROPHONES)) or [FIRST_MICROPHONE]:
        try:
            _opens(path)()
        except OSError as error:
            why = error
        else:
            return
    raise why or FileNotFoundError(FIRST_MICROPHONE)


def _opening(sentence: str, path: str, flags: int = os.O_RDONLY) -> Probe:
    return Probe(sentence, _opens(path, flags), path=path)


def _asking(sentence: str, path: str) -> Probe:
    return Probe(sentence, _asks(path), path=path)


def _writes(path: str) -> Callable[[], None]:
    def attempt() -> None:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        os.unlink(path)

    return attempt


def probes(unit: str) -> tuple[Probe, ...]:
    """What `unit` must not be able to do."""
    microphone = Probe("listen to a microphone", _listens, path=FIRST_MICROPHONE)
    camera = _opening("open the camera", "/dev/video0", os.O_RDWR)
    templates = _opening("read templates and people", "/var/lib/daka/people.db")
    records = _opening("read the journal's file", "/var/lib/daka/journal.db")
    keys = _opening("read the kiosk's keys", "/var/lib/daka/keys/journal.key")
    bus = _asking("speak on the system bus", "/run/dbus/system_bus_socket")
    lookups = (
        _asking("have avahi look a name up", "/run/avahi-daemon/socket"),
        _asking("have systemd's resolver look a name up", "/run/systemd/resolve/io.systemd.Resolve"),
    )
    no_network = (
        Probe("make an internet socket", _internet_socket),
        Probe("send a packet", _send),
        Probe("connect to an address", _connect),
    )
    everywhere = (
        microphone,
        Probe("write a program's folder", _writes("/opt/daka/probe")),
        Probe("write the settings", _writes("/etc/daka/probe")),
        Probe("read the administrator's home", lambda: os.listdir("/root")),
    )
    layer = Probe("write the settings that the web UI has set", _writes("/var/lib/daka-settings/probe"))
    own: dict[str, tuple[Probe, ...]] = {
        "daka-kiosk": (*no_network, bus, *lookups, _opening("read the web daemon's accounts", "/var/lib/daka-web/web/web.db")),
        "daka-uplink": (
            Probe("send a packet to anybody but the broker", _send),
            *(camera, templates, records, keys, layer),
            bus,
        ),
        "daka-bridge": (
            *no_network,
            Probe("speak to anybody but BlueZ on the system bus", _asks_systemd),
            *(*lookups, camera, templates, records, keys, layer),
        ),
        "daka-display": (
            Probe("send a packet to anybody but the kiosk page", _send, NO_WAY),
            Probe("connect to anybody but the kiosk page", _connect, NO_WAY),
            *(camera, templates, records, keys, layer, bus, *lookups),
            Probe("ask for people at the kiosk's socket", _asks("/run/daka/kiosk-admin.sock")),
        ),
        "daka-web": (
            *no_network,
            camera,
            templates,
            records,
            keys,
            layer,
            bus,
            *lookups,
        ),
    }
    return (*own[unit], *everywhere)


def tried(unit: str, wanted: Iterable[Probe]) -> tuple[Result, ...]:
    """Each probe's outcome in this very process."""
    return tuple(Result(unit, probe.sentence, *_outcome(probe), probe.path) for probe in wanted)


def _outcome(probe: Probe) -> tuple[str, str]:
    try:
        probe.attempt()
    except TimeoutError:
        return "possible", "a packet went out; nobody answered"
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, str(error))
        if error.errno in probe.denied:
            return "refused", name
        return ("absent" if error.errno in ABSENT else "possible"), name
    return "possible", "it worked"


def main() -> None:
    """Inside a sandbox: one line of JSON on standard output."""
    (unit,) = sys.argv[1:]
    print(json.dumps([asdict(result) for result in tried(unit, probes(unit))]))


if __name__ == "__main__":
    main()
