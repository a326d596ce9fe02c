"""The addresses that the uplink may reach, written for systemd: `IPAddressAllow=` knows no names.

Run again whenever the broker or the resolver gets another address; until the file is there nothing can be reached at all.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from device.errors import DeviceError

DROP_IN = Path("/etc/systemd/system/daka-uplink.service.d/broker.conf")
RESOLVER = Path("/etc/resolv.conf")


class OutletError(DeviceError):
    """The addresses cannot be found or written; the message says why and what to do."""


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
    rows = "".join(f"IPAddressAllow={address}\n" for address in reachable)
    return f"# Written by `daka set-broker` for {', '.join(hosts)}; run it again when an address changes.\n[Service]\n{rows}"


def write(hosts: Sequence[str], at: Path = DROP_IN, resolver: Path = RESOLVER) -> tuple[str, ...]:
    """Write the addresses of the broker, of whoever renews the certificate, and of their name servers; returns them."""
    found = [address for host in hosts for address in addresses_of(host)]
    names = any(not _is_address(host) for host in hosts)
    named = resolvers(resolver.read_text(encoding="utf-8") if names and resolver.exists() else "")
    reachable = tuple(dict.fromkeys((*found, *named)))
    try:
        at.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        at.write_text(drop_in(hosts, reachable), encoding="utf-8")
    except OSError as error:
        raise OutletError(f"{at} cannot be written ({error.strerror}); run it as root: sudo daka set-broker") from error
    return reachable
