"""The kiosk's end of a session: questions in, sealed messages out, and answers back. Whoever has the link carries them."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_bridge.protocol import commands
from firmware_bridge.protocol.session import Channel


@dataclass(slots=True)
class Talk:
    """An open session, seen from the kiosk."""

    channel: Channel

    @property
    def challenge(self) -> bytes:
        """What the server's statement and the kiosk's use must name."""
        return self.channel.challenge

    def ask(self, question: commands.Question) -> bytes:
        """The message to send."""
        return self.channel.seal(commands.write(question))

    def hear(self, message: bytes) -> commands.Answer:
        """What the lock said; SessionRefused or CommandRefused."""
        return commands.read_answer(self.channel.open(message))
