"""kiosk-uplink.sock: records out, acknowledgements in, nothing else."""

from __future__ import annotations

from device import messages, sentences
from device.api.answers import Cursor, DesiredTaken, Outgoing
from device.api.client import TIMEOUT_S, Client
from device.api.health import UplinkReport

UPLINK_SOCKET = "kiosk-uplink.sock"


class UplinkClient(Client):
    """The uplink's side of kiosk-uplink.sock: records out, acknowledgements in, nothing else."""

    def hello(self) -> tuple[str, bytes]:
        """The epoch, and the signed greeting for a new connection with a nonce that the server's answer must repeat."""
        response = self._ask("GET", "/v1/hello")
        return response.headers["Daka-Epoch"], response.content

    def records(self, epoch: str, after: int, wait_s: float) -> Outgoing | None:
        """The next batch of `epoch` after record `after`, waiting up to `wait_s` for it; None if there is nothing to send.

        KioskRefused when the journal is in another epoch by now: say hello again.
        """
        query = {"epoch": epoch, "after": after, "wait_s": wait_s}
        response = self._ask("GET", "/v1/records", params=query, timeout_s=TIMEOUT_S + wait_s)
        return Outgoing(response.content, int(response.headers["Daka-Last"])) if response.status_code == 200 else None

    def acknowledge(self, payload: bytes) -> Cursor:
        """Hand over what the server said; KioskRefused if the kiosk daemon does not believe it."""
        return messages.CODEC.structure(self._ask("POST", "/v1/acknowledgement", content=payload).json(), Cursor)

    def desire(self, payload: bytes) -> DesiredTaken:
        """Hand over a page of a desired state; KioskRefused if the kiosk daemon does not believe it, or had it before."""
        return messages.CODEC.structure(self._ask("POST", "/v1/desired", content=payload).json(), DesiredTaken)

    def lock_question(self, wait_s: float) -> bytes | None:
        """What a lock wants of the server, waiting up to `wait_s` for it; None for nothing."""
        response = self._ask("GET", "/v1/lock-question", params={"wait_s": wait_s}, timeout_s=TIMEOUT_S + wait_s)
        return response.content if response.status_code == 200 else None

    def lock_answer(self, payload: bytes) -> None:
        """What the server said to it."""
        self._ask("POST", "/v1/lock-answer", content=payload)

    def unlock_request(self) -> bytes | None:
        """What the server is to be asked for, so that templates can be read; None for nothing."""
        response = self._ask("GET", "/v1/unlock-request")
        return response.content if response.status_code == 200 else None

    def unlock(self, answer: bytes) -> None:
        """The server's sealed answer; KioskRefused where it opens nothing."""
        self._ask("POST", "/v1/unlock-answer", content=answer)

    def unlock_failed(self, why: str) -> None:
        """It could not be had, for whoever looks at the kiosk."""
        self._ask("POST", "/v1/unlock-failure", json={"why": why, "said": sentences.parts(why)})

    def report(self, report: UplinkReport) -> None:
        """What only the uplink can see."""
        self._ask("POST", "/v1/uplink-report", json=messages.CODEC.unstructure(report))

    def state(self) -> bytes:
        """The retained state of this kiosk, as an envelope."""
        return self._ask("GET", "/v1/state").content

    def goodbye(self) -> bytes:
        """The state of this kiosk when it is not connected: the last will, as an envelope."""
        return self._ask("GET", "/v1/goodbye").content
