"""The processes of the demonstration: a broker with a throw-away authority, the ingester and the kiosk's daemons, on loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from device import api, state, supervisor
from device.demonstration.script import MIN_GAP_S
from device.errors import DeviceError

DEVICE, SERVER, OBSERVER = "kiosk-demo", "ingest", "observer"
START_S = 30.0


class DemonstrationFailed(DeviceError):
    """The demonstration could not be played to its end; the message says which part and where its log lies."""


@dataclass(frozen=True, slots=True)
class House:
    """Folders and addresses of one demonstration."""

    root: Path
    port: int

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def keys(self) -> Path:
        return self.root / "server-keys"

    @property
    def broker(self) -> Path:
        return self.root / "broker"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def pids(self) -> Path:
        return self.root / "pids"

    @property
    def stage(self) -> Path:
        return self.root / "stage"

    @property
    def database(self) -> Path:
        return self.root / "enterprise.db"

    @property
    def kiosk(self) -> state.Folder:
        return state.Folder(self.root / "kiosk")


def free_port() -> int:
    """A loopback port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def enterprise(*arguments: str) -> str:
    """One call of the enterprise's own command line; its output."""
    command = (sys.executable, "-m", "enterprise.commands.main", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemonstrationFailed(f"daka-enterprise {arguments[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def database(house: House) -> str:
    """The enterprise's database, as its programs name it."""
    return f"sqlite:///{house.database}"


def prepare(house: House, camera_source: str, weights: Path) -> None:
    """Folders, certificates, keys and configuration; nothing is running yet."""
    for folder in (house.logs, house.stage, house.kiosk.root):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pki = ("--dir", str(house.pki))
    enterprise("authority", "init", *pki)
    enterprise("authority", "server", *pki, "127.0.0.1")
    enterprise("authority", "ingester", *pki, SERVER)
    for name in (DEVICE, OBSERVER):
        enterprise("authority", "device", *pki, name)
    enterprise("authority", "mosquitto", *pki, "--out", str(house.broker), "--port", str(house.port))
    _let_the_observer_listen(house)
    enterprise("keys", "init", "--dir", str(house.keys))
    house.kiosk.config.write_text(configuration(house, camera_source, weights, server_key(house)), encoding="utf-8")


def _let_the_observer_listen(house: House) -> None:
    """The second subscriber, which counts what leaves, may read every topic; no such right exists outside the demonstration."""
    with (house.broker / "access.list").open("a", encoding="ascii") as access:
        access.write(f"\nuser {OBSERVER}\ntopic read att/v1/#\n")


def server_key(house: House) -> str:
    """The public key with which the server signs acknowledgements."""
    return enterprise("keys", "show", "--dir", str(house.keys)).strip().splitlines()[-1]


def configuration(house: House, camera_source: str, weights: Path, key: str) -> str:
    """The kiosk's config.toml."""
    return f"""\
[device]
id = "{DEVICE}"
site = "demonstration"

[camera]
source = "{camera_source}"

[models]
directory = "{weights}"

[attend]
min_gap_s = {MIN_GAP_S}
allow_simulated = true

[liveness]
simulated = true

[page]
port = {free_port()}

[web]
address = "127.0.0.1"
port = {free_port()}

[uplink]
enabled = true
host = "127.0.0.1"
port = {house.port}
ca = "{house.pki / "root.pem"}"
certificate = "{house.pki / f"{DEVICE}.pem"}"
key = "{house.pki / f"{DEVICE}.key"}"
server_key = "{key}"
"""


def commands(house: House, level: str = "info") -> Mapping[str, tuple[str, ...]]:
    """What is kept running."""
    python = (sys.executable, "-m")
    certificate = ("--ca", f"{house.pki}/root.pem", "--cert", f"{house.pki}/{SERVER}.pem", "--key", f"{house.pki}/{SERVER}.key")
    ingest = ("ingest", "--database", database(house), "--keys", str(house.keys), "--broker", f"127.0.0.1:{house.port}")
    return {
        "broker": ("/usr/sbin/mosquitto", "-c", str(house.broker / "mosquitto.conf")),
        "ingester": (*python, "enterprise.commands.main", *ingest, *certificate),
        "daka": (*python, "device.commands.main", "--log-level", level, "--state", str(house.kiosk.root), "run"),
    }


class Theatre:
    """Everything running, until the block ends."""

    def __init__(self, house: House, running: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._house = house
        self._stop = threading.Event()
        arguments = (running or commands(house), house.pids, self._stop, house.logs)
        self._keeper = threading.Thread(target=supervisor.keep_running, args=arguments, name="theatre")

    def __enter__(self) -> Theatre:
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._keeper.join()


def wait_for(what: str, ready: Callable[[], bool], house: House, seconds: float = START_S) -> None:
    """Returns when `ready`; DemonstrationFailed names the part that is not, and where its log lies."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise DemonstrationFailed(f"{what} within {seconds:.0f} s: it did not happen; the logs in {house.logs} say why")
        time.sleep(0.1)


def is_up(client: api.AdminClient) -> bool:
    """Whether the kiosk daemon answers and its camera streams."""
    try:
        return client.status().camera_state in ("streaming", "black")
    except api.KioskAway:
        return False
