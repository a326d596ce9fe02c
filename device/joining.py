"""A kiosk's part in joining: the request that proves its keys, and the answer, checked against the pinned root.

What was joined before counts until the last step; an answer that is not believed changes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509

from device import keys, messages, state
from device.membership import Membership
from device.sentences import say
from device.tls_files import JoinRefused as JoinRefused
from device.tls_files import check_issued

SET_BY_JOINING = ("host", "port", "ca", "certificate", "key", "renew_url")


def check_name(device: str, invitation: messages.Invitation) -> None:
    """JoinRefused where the invitation is for another kiosk."""
    if invitation.device not in ("", device):
        raise JoinRefused(say("join.for_another", invited=invitation.device, device=device))


def request(folder: state.Folder, device: str, invitation: messages.Invitation, csr: str) -> bytes:
    """The request to join as `device`, with the uplink's certificate request in it."""
    check_name(device, invitation)
    journal, grant_use = keys.journal_key(folder.keys, may_create=not folder.journal.exists()), keys.grant_use_key(folder.keys)
    asked = messages.JoinRequest(
        device,
        invitation.root,
        invitation.token,
        messages.public_key_text(journal),
        messages.sealing_key_text(keys.sealing_key(folder.keys)),
        messages.public_key_text(grant_use),
        csr,
    )
    return messages.write_join_request(asked, journal, grant_use)


def membership_of(folder: state.Folder, asked: bytes, answer: bytes) -> Membership:
    """What the answer makes of this kiosk; MessageError or JoinRefused unless all of it is for us, from the pinned root."""
    request = messages.read_join_request(asked)
    found, _ = messages.read_join_answer(answer, asked, request.root, keys.sealing_key(folder.keys))
    key = x509.load_pem_x509_csr(request.csr.encode("ascii")).public_key()
    check_issued(found.certificate, found.ca, request.device, key)
    at = messages.write_time(datetime.now(UTC))
    return Membership(request.root, found.key_set, found.url, at, found.host, found.port, found.ca, found.certificate)
