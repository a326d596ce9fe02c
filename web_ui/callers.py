"""Who asks, as far as an address tells: whoever has one of IPv6 has 2**64."""

from __future__ import annotations

import ipaddress


def source(address: str | None) -> str:
    """An IPv4 address, also one that came as IPv6; of IPv6 the network of 64 bits."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "nobody"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return f"{ipaddress.IPv6Address(int(found) >> 64 << 64)}/64"
        found = found.ipv4_mapped
    return str(found)
