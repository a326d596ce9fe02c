"""A kiosk joins an enterprise, renews its certificate, and leaves: keys made here, everything that comes checked against the root.

What was joined before counts until the last step; an answer that is not believed changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from device import database, durable, keys, messages, settings, state, trust
from device.tls_files import JoinRefused as JoinRefused
from device.tls_files import check_certificate, private_pem, signing_request

CA, IDENTITY, PENDING_KEY, PENDING_REQUEST = "ca.pem", "identity.pem", "pending.key", "pending-request.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the uplink's files lie: the authority's certificate, and our certificate with its key in one file."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / CA

    @property
    def identity(self) -> Path:
        return self.folder / IDENTITY


def place_of(folder: state.Folder) -> Place:
    """The uplink's folder of a kiosk."""
    return Place(folder.root / "uplink")


def request(folder: state.Folder, device: str, invitation: messages.Invitation) -> bytes:
    """The request to join as `device`, with a fresh TLS key; the same bytes until the answer comes, so that the code stays."""
    if invitation.device not in ("", device):
        raise JoinRefused(
            f"the invitation is for {invitation.device}, and this kiosk is {device}; set device.id before its first start, "
            "or have an invitation made for it"
        )
    tls = ec.generate_private_key(ec.SECP256R1())
    journal, grant_use = keys.journal_key(folder.keys, may_create=not folder.journal.exists()), keys.grant_use_key(folder.keys)
    asked = messages.JoinRequest(
        device,
        invitation.root,
        invitation.token,
        messages.public_key_text(journal),
        messages.sealing_key_text(keys.sealing_key(folder.keys)),
        messages.public_key_text(grant_use),
        signing_request(device, tls),
    )
    payload = messages.write_join_request(asked, journal, grant_use)
    place = place_of(folder)
    durable.keep(place.folder / PENDING_KEY, private_pem(tls))
    durable.keep(place.folder / PENDING_REQUEST, payload)
    return payload


def pending(folder: state.Folder) -> bytes:
    """The request that waits for its answer."""
    path = place_of(folder).folder / PENDING_REQUEST
    try:
        return path.read_bytes()
    except OSError as error:
        raise JoinRefused("no request of this kiosk waits for an answer; begin with: daka join INVITATION") from error


def accept(folder: state.Folder, asked: bytes, answer: bytes) -> trust.Membership:
    """Become a member: the answer is checked against the pinned root, then files, settings and membership are put in place."""
    root = messages.read_join_request(asked).root
    found, _ = messages.read_join_answer(answer, asked, root, keys.sealing_key(folder.keys))
    place = place_of(folder)
    try:
        tls = serialization.load_pem_private_key((place.folder / PENDING_KEY).read_bytes(), None)
    except (OSError, ValueError) as error:
        raise JoinRefused("the key of the request is gone; begin again with: daka join INVITATION") from error
    assert isinstance(tls, ec.EllipticCurvePrivateKey)
    check_certificate(found.certificate, found.ca, found.device, tls)
    durable.keep(place.ca, found.ca.encode("ascii"))
    durable.keep(place.identity, found.certificate.encode("ascii") + private_pem(tls))
    member = trust.Membership(root, found.key_set, found.url, messages.write_time(datetime.now(UTC)))
    settings.change(folder.config, uplink_settings(found, place))
    trust.write(folder.enterprise, member)
    for name in (PENDING_KEY, PENDING_REQUEST):
        (place.folder / name).unlink(missing_ok=True)
    return member


def uplink_settings(found: messages.JoinAnswer, place: Place) -> dict[str, Any]:
    """What the configuration says from now on."""
    return {
        "device.id": found.device,
        "uplink.enabled": True,
        "uplink.host": found.host,
        "uplink.port": found.port,
        "uplink.ca": str(place.ca),
        "uplink.certificate": str(place.identity),
        "uplink.key": str(place.identity),
        "uplink.renew_url": found.url,
    }


def leave(folder: state.Folder) -> None:
    """Nobody is believed and nothing is sent any more; what waits stays in the journal."""
    place = place_of(folder)
    settings.change(folder.config, {"uplink.enabled": False, "uplink.renew_url": ""})
    for path in (place.identity, place.ca, folder.enterprise, folder.desired):
        for part in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            part.unlink(missing_ok=True)
    database.sync_folder(folder.root)
