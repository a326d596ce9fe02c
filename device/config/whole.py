"""All settings of one kiosk."""

from __future__ import annotations

from device.config.attending import Attend, People, Retention, Ways
from device.config.machine import Clock, Device, Journal, Lock, Page, Updates, Uplink, Web
from device.config.section import Section
from device.config.seeing import Camera, Liveness, Models, Recognition

EASY_TIMES = 3  # in the accessible mode everything on the page stays so many times as long


class Config(Section):
    """The whole tree."""

    device: Device = Device()
    camera: Camera = Camera()
    models: Models = Models()
    recognition: Recognition = Recognition()
    liveness: Liveness = Liveness()
    people: People = People()
    retention: Retention = Retention()
    ways: Ways = Ways()
    attend: Attend = Attend()
    journal: Journal = Journal()
    clock: Clock = Clock()
    uplink: Uplink = Uplink()
    updates: Updates = Updates()
    page: Page = Page()
    lock: Lock = Lock()
    web: Web = Web()

    @property
    def change_s(self) -> float:
        """How long the page offers another direction after a punch, seconds: as long as its result stays, at least; 0: never."""
        chosen = self.attend.change_within_s
        return max(chosen, EASY_TIMES * self.page.result_s) if chosen else 0.0
