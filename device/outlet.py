"""The addresses that the uplink may reach, written for systemd: `IPAddressAllow=` knows no names.

Until root has written some nothing can be reached at all. The kiosk daemon says whom the uplink should reach, in a file of its own;
root looks at that file, and follows it until the kiosk has joined. From then on those hosts are pinned, and only a person with
root's rights changes whom this machine reaches: a daemon that was taken over sends nothing to a host of its own choice.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
import stat
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from device import config, durable
from device.errors import DeviceError
from device.sentences import say

DROP_IN = Path("/etc/systemd/system/daka-uplink.service.d/broker.conf")
RESOLVER = Path("/etc/resolv.conf")
PINNED = "outlet.json"  # beside root's settings
MOST_BYTES, MOST_HOSTS, MOST_ADDRESSES = 4_096, 4, 32
HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*")
NOBODY = "nobody"
LOOK_UP_S = 20.0
ALLOW = "IPAddressAllow="
FOR, UNTIL = "# Written by `daka set-broker` for ", "; run it again when an address changes."

Finds = Callable[[str], tuple[str, ...]]


class OutletError(DeviceError):
    """The addresses cannot be found or written; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Whom the uplink should reach; `joined`: they are those of the enterprise that was joined, and nobody else is wanted."""

    hosts: tuple[str, ...]
    joined: bool


def wish(path: Path, wanted: Wish) -> None:
    """The kiosk daemon's word, for root to look at; written only if it is another one than before."""
    text = json.dumps(asdict(wanted)).encode("ascii")
    if not path.exists() or path.read_bytes() != text:
        durable.keep(path, text, 0o644)


def read_wish(path: Path) -> Wish:
    """What the kiosk daemon wants; OutletError for anything that is not exactly such a file: who writes it may be taken over."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ValueError("no ordinary file")
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise ValueError("too long")
        data = json.loads(text)
        hosts, joined = data["hosts"], data["joined"]
        if set(data) != {"hosts", "joined"} or type(joined) is not bool or type(hosts) is not list or len(hosts) > MOST_HOSTS:
            raise ValueError("not hosts and joined")
        if not all(type(host) is str and _is_host(host) for host in hosts):
            raise ValueError("not hosts")
        return Wish(tuple(hosts), joined)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise OutletError(
            f"{path} is not what the kiosk daemon writes there ({type(error).__name__}); nothing was changed"
        ) from error


def _is_host(text: str) -> bool:
    """A name, or an address without a zone: what stands behind `%` could be anything."""
    return HOST.fullmatch(text) is not None or ("%" not in text and _is_address(text))


def pinned(path: Path) -> tuple[str, ...] | None:
    """The hosts that root has settled on; None where it has not."""
    try:
        return tuple(str(host) for host in json.loads(path.read_text(encoding="ascii"))["hosts"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutletError(f"{path} cannot be read ({type(error).__name__}); as root: daka join, which writes it anew") from error


def pin(path: Path, hosts: Sequence[str]) -> None:
    """From now on only these, until root says otherwise."""
    durable.keep(path, json.dumps({"hosts": list(hosts)}).encode("ascii"), 0o644)


def check(hosts: Sequence[str], path: Path) -> None:
    """OutletError where one of them can be nobody's, or is not among those that are pinned."""
    if none := [host for host in hosts if not _is_host(host)]:
        raise OutletError(say("outlet.no_host", host=none[0]))
    held = pinned(path)
    if strange := [host for host in hosts if held is not None and host not in held]:
        raise OutletError(say("outlet.pinned", held=", ".join(held or ()) or "–", host=strange[0]))


def named_by_root(settings: Path) -> bool:
    """Whether root's settings file names the broker by hand."""
    return config.says(config.tree_of(settings), "uplink.host")


def follow(wanted: Path, pinned_at: Path, at: Path = DROP_IN, resolver: Path = RESOLVER, finds: Finds | None = None) -> bool:
    """As root: let the uplink reach whom the kiosk daemon wants, as far as that is still its to say; whether anything changed."""
    found = read_wish(wanted)
    check(found.hosts, pinned_at)
    if not found.hosts and not at.exists():
        return False  # without the file nobody is reached either
    before = at.read_text(encoding="utf-8") if at.exists() else ""
    write(found.hosts, at, resolver, finds or looked_up, _known(before, found.hosts))
    if found.joined and pinned(pinned_at) is None:
        pin(pinned_at, found.hosts)
    return at.read_text(encoding="utf-8") != before


def _known(text: str, hosts: Sequence[str]) -> tuple[str, ...]:
    """What was let through for the same hosts: a name that takes turns among addresses must not restart the uplink each time."""
    first, *rows = text.splitlines() or [""]
    return tuple(row.removeprefix(ALLOW) for row in rows if row.startswith(ALLOW)) if first == _headline(hosts) else ()


def looked_up(host: str) -> tuple[str, ...]:
    """As `addresses_of`, in a process that has no rights: what comes from the network is read by nobody who could do harm."""
    if _is_address(host):
        return _sound([host], host)
    asked = ("getent", "ahosts", host)
    try:
        done = subprocess.run(
            asked, capture_output=True, timeout=LOOK_UP_S, user=NOBODY, group="nogroup", extra_groups=[], check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise OutletError(f"{host} cannot be looked up ({type(error).__name__})") from error
    rows = done.stdout[:65_536].decode("ascii", "replace").splitlines()
    return _sound([row.split()[0] for row in rows if row.split()], host)


def _sound(texts: Iterable[str], host: str) -> tuple[str, ...]:
    """Addresses of another machine, and not too many."""
    found = sorted({text for text in texts if "%" not in text and _is_address(text) and _is_elsewhere(text)})
    if not found:
        raise OutletError(f"{host} has no address of another machine here; check the name, and the resolver in {RESOLVER}")
    return tuple(found[:MOST_ADDRESSES])


def _is_elsewhere(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return not (address.is_loopback or address.is_multicast or address.is_unspecified)


def addresses_of(host: str) -> tuple[str, ...]:
    """Every address of the broker now, sorted; OutletError if the name is not known."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise OutletError(
            f"{host} has no address here ({error.strerror}); check the name, and the resolver in {RESOLVER}"
        ) from error
    return tuple(sorted({str(address[4][0]) for address in found}))


def resolvers(text: str) -> tuple[str, ...]:
    """The name servers of a resolv.conf; what is no address is passed over, as the resolver itself does."""
    named = [row.split()[1] for row in text.splitlines() if row.startswith("nameserver") and len(row.split()) > 1]
    return tuple(name for name in named if _is_address(name))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def drop_in(hosts: Iterable[str], reachable: Iterable[str]) -> str:
    """The unit's own part: these addresses and no others."""
    rows = "".join(f"{ALLOW}{address}\n" for address in reachable)
    return f"{_headline(hosts)}\n[Service]\n{rows}"


def _headline(hosts: Iterable[str]) -> str:
    return f"{FOR}{', '.join(hosts)}{UNTIL}"


def allowed(at: Path) -> tuple[str, ...] | None:
    """The hosts whose addresses were written there; None where nothing was, so that nobody can be reached."""
    try:
        first, *rows = at.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    hosts = first.removeprefix(FOR).removesuffix(UNTIL)
    return tuple(hosts.split(", ")) if hosts and any(row.startswith(ALLOW) for row in rows) else ()


def write(
    hosts: Sequence[str],
    at: Path = DROP_IN,
    resolver: Path = RESOLVER,
    finds: Finds = addresses_of,
    known: Sequence[str] = (),
) -> tuple[str, ...]:
    """Write the addresses of the broker, of whoever renews the certificate, and of their name servers; returns them.

    `known` addresses stay beside them, as long as there are not too many.
    """
    found = [address for host in hosts for address in finds(host)]
    names = any(not _is_address(host) for host in hosts)
    named = resolvers(resolver.read_text(encoding="utf-8") if names and resolver.exists() else "")
    fresh, both = dict.fromkeys((*found, *named)), dict.fromkeys((*known, *found, *named))
    reachable = tuple(both if len(both) <= MOST_ADDRESSES else fresh)
    try:
        at.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        text = drop_in(hosts, reachable)
        if not at.exists() or at.read_text(encoding="utf-8") != text:  # systemd goes by the file's time
            durable.keep(at, text.encode("utf-8"), 0o644)
    except (OSError, durable.NotKept) as error:
        raise OutletError(f"{at} cannot be written ({error}); run it as root: sudo daka set-broker") from error
    return reachable
