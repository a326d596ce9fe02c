"""Joining and leaving while the kiosk daemon is stopped: this process is daemon and uplink in one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from device import admission, api, identity, joiner, membership, messages, state
from device.desk import Desk


class OnFiles:
    """What `api.JoinClient` asks of the daemon, done on the files, under the daemon's lock."""

    def __init__(self, folder: state.Folder, device: str, office: Desk, append: Callable[[messages.Audit], object]) -> None:
        self._folder, self._device, self._place = folder, device, identity.Place(folder.root)
        self._one = admission.Admission(folder, device, office.withdraw_all, append)
        self._uplink = joiner.Joiner(self._one, self._place)

    def joining(self) -> api.Joining:
        """How it stands, one step further; what was decided takes its place at once."""
        self._uplink.step()
        self._settle()
        return self._one.standing()

    def join(self, invitation: str, by: str, *, replace: bool = False, carried: bool = False) -> api.Joining:
        """As the daemon would."""
        return self._one.begin(invitation, by, replace=replace, carried=carried)

    def join_request(self) -> bytes:
        """The request as it goes to the enterprise, by hand."""
        return self._one.join_request()

    def join_answer(self, answer: bytes) -> api.Joining:
        """The enterprise's, brought by hand."""
        self._one.join_answer(answer)
        self._settle()
        return self._one.standing()

    def leave(self, by: str) -> api.Left:
        """Nothing of the enterprise is left when this returns."""
        left = self._one.leave(by)
        self._settle()
        return left

    def _settle(self) -> None:
        admission.take_place(self._folder)
        self._one.look_again()
        with suppress(membership.TrustError):  # whose the certificate is nobody knows until it is joined again
            identity.settle(self._place, membership.read(self._folder.enterprise), self._device)
