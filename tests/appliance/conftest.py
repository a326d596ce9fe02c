"""An appliance, installed from the release bundle on a bare Debian, with the enterprise on another host beside it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from device import messages
from device.commands.context import default_weights
from enterprise import authority, mosquitto
from enterprise.commands.main import daka_enterprise
from tests.appliance import machine as machines
from tests.broker import mosquitto_program
from tests.house.test_repository import REPOSITORY

CACHE = REPOSITORY / "build" / "appliance"
RELEASES = {"bookworm": "3.11", "trixie": "3.13"}
DEVICE, NAMED, PORT, RENEWAL_PORT = "kiosk-1", "broker.example", 8883, 8444
EMPLOYEE, ENROLLED_FROM, SHOWN = "1002", "person_b_1.jpg", "person_b_2.jpg"
# For what comes at last: longer than the two minutes after which root looks anew, on a machine with other things to do. What passes
# waits no longer for it.
PATIENCE_S = 240.0
LONG_ENOUGH = ("--patience", "600")  # for a release that holds, likewise
SETTINGS = """
[camera]
source = "file:/srv/shown.jpg"

[attend]
min_gap_s = 1.0
allow_simulated = true

[lock]
enabled = true
"""
DAEMONS = ("daka-kiosk", "daka-uplink", "daka-web", "daka-bridge")


@dataclass
class Enterprise:
    """Broker, ingester and database on the other host."""

    machine: machines.Machine
    folder: Path
    update_key: str = ""
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @property
    def keys(self) -> str:
        return str(self.folder / "keys")

    @property
    def root_keys(self) -> str:
        return str(self.folder / "root-keys")

    @property
    def offers(self) -> str:
        return str(self.folder / "offers")

    @property
    def database(self) -> str:
        return f"sqlite:///{self.folder / 'enterprise.db'}"

    def call(self, *arguments: str) -> str:
        """A command of the enterprise's; in this process, for beginning another one takes longer than what most of them do."""
        done = CliRunner().invoke(daka_enterprise, arguments, env={"COLUMNS": "250"})
        assert done.exit_code == 0, f"{done.output}{done.exception!r}"
        return done.stdout

    def open(self) -> None:
        """An authority with its certificates and keys, then broker, ingester and, at another address, whoever lets kiosks join."""
        now = datetime.now(UTC)
        authority.create(self.pki, now)
        authority.issue_server(self.pki, [NAMED, machines.OUTSIDE, machines.RENEWS], now)
        authority.issue_ingester(self.pki, now, "ingest")
        mosquitto.write(self.folder, self.pki, mosquitto.Listener(PORT, machines.OUTSIDE, "root"), ("ingest",))
        for role in ("acknowledgement", "policy"):
            self.call("keys", "init", role, "--dir", self.keys)
        self.update_key = self.call("keys", "init", "update", "--dir", self.keys)
        self.call("keys", "init", "root", "--dir", self.root_keys)
        self.call("keys", "sign", "--dir", self.keys, "--root", self.root_keys)
        self._start(mosquitto_program(), "-c", str(self.folder / mosquitto.CONFIG_NAME))
        certificate = authority.place(self.pki, "ingest")
        self._start(
            *(sys.executable, "-m", "enterprise.commands.main", "ingest", "--database", self.database),
            *("--keys", self.keys, "--broker", f"{machines.OUTSIDE}:{PORT}"),
            *("--ca", str(self.pki / "root.pem"), "--cert", str(certificate.certificate), "--key", str(certificate.key)),
        )
        serve = ("join", "serve", "--listen", f"{machines.RENEWS}:{RENEWAL_PORT}", "--releases", self.offers, *self.where)
        self._start(sys.executable, "-m", "enterprise.commands.main", *serve)

    @property
    def broker(self) -> str:
        """As kiosks are told: by a name, as everywhere."""
        return f"{NAMED}:{PORT}"

    @property
    def url(self) -> str:
        """Where kiosks join and renew their certificates."""
        return f"https://{machines.RENEWS}:{RENEWAL_PORT}"

    @property
    def where(self) -> tuple[str, ...]:
        return ("--dir", str(self.pki), "--keys", self.keys, "--database", self.database)

    def invite(self) -> str:
        return self.call("join", "invite", DEVICE, "--url", self.url, *self.where).strip()

    def confirm(self, code: str) -> None:
        """Somebody has compared it; a kiosk that was here before has the same keys."""
        self.call("join", "confirm", code, "--url", self.url, "--broker", self.broker, *self.where)

    def _start(self, *command: str) -> None:
        with (self.folder / "log").open("ab") as log:
            ours = self.machine.outside_command(*command)
            self._running.append(subprocess.Popen(ours, stdout=log, stderr=log, preexec_fn=machines.ends_with_us))

    def punches(self) -> int:
        """Rows that the ingester has committed."""
        return len(self.punched())

    def punched(self) -> list[datetime]:
        """When each of them was, by the kiosk's clock, which is this machine's."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder / 'enterprise.db'}?mode=ro", uri=True)) as opened:
            rows = opened.execute("SELECT at FROM record WHERE kind = 'punch' AND device = ? ORDER BY at", (DEVICE,)).fetchall()
        return [messages.read_time(at) for (at,) in rows]

    def close(self) -> None:
        for process in self._running:
            process.terminate()
            process.wait(60)  # on a machine that has other things to do


@dataclass
class Appliance:
    """The kiosk's machine and the enterprise beside it."""

    machine: machines.Machine
    enterprise: Enterprise
    bundle: Path
    python: str

    def call(self, *command: str, check: bool = True) -> str:
        return self.machine.call(*command, check=check)

    def install(self, *options: str) -> str:
        return self.call("/root/bundle/install.sh", *options)

    def configure(self, *, watchdog_s: float = 8.0) -> None:
        """What an administrator does before the first start; the watchdog is made quick for the tests alone."""
        files = self.machine.files
        shutil.copy(default_weights() / SHOWN, files / "srv" / "shown.jpg")
        shutil.copy(default_weights() / ENROLLED_FROM, files / "srv" / "enrolled.jpg")
        settings = files / "etc" / "daka" / "config.toml"
        settings.write_text(settings.read_text() + SETTINGS)
        (files / "etc" / "hosts").write_text(f"127.0.0.1 localhost\n{machines.OUTSIDE} {NAMED}\n")
        for unit in DAEMONS:
            drop_in = files / "etc" / "systemd" / "system" / f"{unit}.service.d" / "test.conf"
            drop_in.parent.mkdir(exist_ok=True)
            # Tests start them more often in two minutes than a failing one may.
            drop_in.write_text(f"[Unit]\nStartLimitBurst=100\n[Service]\nWatchdogSec={watchdog_s}\n")
        self.call("systemctl", "daemon-reload")

    def person(self) -> None:
        """Somebody agrees and is enrolled; another photograph of them hangs before the camera."""
        self.call("daka", "people", "add", EMPLOYEE, "Employee 1002")
        self.call("daka", "people", "consent", EMPLOYEE, "--yes")
        self.call("daka", "enrol", EMPLOYEE, "/srv/enrolled.jpg")

    def begin(self) -> None:
        """Its first start, its enterprise, and its person, who is recognised: every test finds a settled kiosk, alone or not."""
        self.call("systemctl", "start", "daka.target")
        self.join()
        self.person()
        self.wait("the first punch arrives", lambda: self.enterprise.punches() >= 1)

    def join(self) -> str:
        """As an installer does it, with somebody at the enterprise who compares the code; what the command says at its end."""
        command = self.machine.inside("daka", "join", self.enterprise.invite())
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("code "):
                self._compare(line.split()[1].rstrip(":"))
        assert process.wait(PATIENCE_S) == 0, "".join(said)
        return said[-1]

    def _compare(self, code: str) -> None:
        database = self.enterprise.where[-2:]
        self.wait("the request is there", lambda: code in self.enterprise.call("join", "list", *database), 30)
        self.enterprise.confirm(code)

    def somebody_comes(self) -> None:
        """Steps before the camera afresh: another punch arrives."""
        punches = self.enterprise.punches()
        self.call("systemctl", "restart", "daka-kiosk")
        self.wait("another punch arrives", lambda: self.enterprise.punches() > punches)

    def says(self, *command: str) -> str:
        """What a command says, well or ill."""
        return self.call("sh", "-c", 'exec "$@" 2>&1', "sh", *command, check=False)

    def running(self) -> str:
        """The version that the link names."""
        return self.call("readlink", "/opt/daka/current").strip().rpartition("/")[2]

    def trust(self) -> None:
        """Give it the key by which it knows the enterprise's releases."""
        (self.machine.files / "etc" / "daka" / "update.key").write_text(self.enterprise.update_key)

    @contextlib.contextmanager
    def updating(self, archive: str) -> Iterator[None]:
        """While a release is applied; the end of it is the block's business."""
        process = subprocess.Popen(self.machine.inside("daka", "update", "apply", archive), stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.wait(PATIENCE_S)

    def journal(self, unit: str, since: float) -> list[tuple[float, str]]:
        """What a unit, and systemd about it, has said since: second of the wall clock, and words."""
        rows = self.call("journalctl", "-u", unit, "--since", f"@{int(since)}", "-o", "json", "--no-pager").splitlines()
        told = [(float(row["__REALTIME_TIMESTAMP"]) / 1e6, str(row["MESSAGE"])) for row in map(json.loads, rows)]
        return [(at, said) for at, said in told if at >= since]

    def heard(self, unit: str, words: str, since: float) -> bool:
        """Whether the unit, or systemd about it, has said so since."""
        return any(words in said for _, said in self.journal(unit, since))

    def figure(self, name: str) -> float:
        """One of `daka metrics`; 0 while it is not there."""
        rows = (row.rpartition(" ") for row in self.call("daka", "metrics", check=False).splitlines())
        return next((float(value) for found, _, value in rows if found == f"daka_{name}"), 0.0)

    def sees(self, state: str) -> bool:
        """Whether the camera is in that state; a kiosk that is still starting does not say."""
        return self.figure(f'camera_state{{state="{state}"}}') == 1

    def away_s(self, since: float) -> float:
        """Seconds from when the kiosk daemon was told to stop after `since` until its successor was ready."""
        told = self.journal("daka-kiosk", since)
        stopped = next(at for at, said in told if said.startswith("Stopping"))
        return next(at for at, said in told if said.startswith("Started") and at > stopped) - stopped

    def soon(self, what: str, ready: Callable[[], bool]) -> None:
        """As `wait`, for what lasts no longer than a moment."""
        deadline = time.monotonic() + PATIENCE_S
        while not ready():
            assert time.monotonic() < deadline, what
            time.sleep(0.01)

    def change(self, old: str, new: str) -> None:
        """One setting of the administrator's file."""
        settings = self.machine.files / "etc" / "daka" / "config.toml"
        text = settings.read_text()
        assert old in text
        settings.write_text(text.replace(old, new))

    def process_of(self, unit: str) -> int:
        return int(self.call("systemctl", "show", "--property", "MainPID", "--value", unit))

    def signal(self, unit: str, name: str) -> int:
        """Send the unit's main process a signal; its id."""
        process = self.process_of(unit)
        assert process, f"{unit} does not run"  # or the signal would go to this test's own group
        self.call("kill", f"-{name}", str(process))
        return process

    @contextlib.contextmanager
    def watchdogs(self) -> Iterator[None]:
        """While whoever gives no sign of life is ended, as it is everywhere but in these tests."""
        self.call("systemctl", "service-watchdogs", "yes")
        try:
            yield
        finally:
            self.call("systemctl", "service-watchdogs", "no")

    def restarts_of(self, unit: str) -> int:
        return int(self.call("systemctl", "show", "--property", "NRestarts", "--value", unit))

    def runs_other_than(self, unit: str, process: int) -> bool:
        """Whether the unit has a main process, and another one."""
        return self.process_of(unit) not in (0, process)

    def restarted_since(self, unit: str, count: int) -> bool:
        return self.restarts_of(unit) > count

    def wait(self, what: str, ready: Callable[[], bool], seconds: float = PATIENCE_S) -> float:
        """Seconds until `ready`; the journal's tail when it never is."""
        started = time.monotonic()
        while not ready():
            if time.monotonic() - started > seconds:
                pytest.fail(
                    f"{what} within {seconds:.0f} s: it did not happen\n{self.call('journalctl', '-n', '60', '--no-pager')}"
                )
            time.sleep(0.2)
        return time.monotonic() - started


class Workshop:
    """Roots and bundles, made two at a time in the order in which they are needed: Debian 13's while Debian 12's tests run."""

    def __init__(self, releases: Iterable[str]) -> None:
        CACHE.mkdir(parents=True, exist_ok=True)
        self._threads = [ThreadPoolExecutor(1), ThreadPoolExecutor(1)]
        roots, bundles = self._threads
        self._made = {
            one: (roots.submit(machines.root_of, one, CACHE), bundles.submit(bundle_for, RELEASES[one])) for one in releases
        }

    def root_and_bundle(self, release: str) -> tuple[Path, Path]:
        root, bundle = self._made[release]
        return root.result(), bundle.result()

    def close(self) -> None:
        for threads in self._threads:
            threads.shutdown(cancel_futures=True)


WORKSHOP = pytest.StashKey[Workshop]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """It begins before the first test, whichever that is: by the time that a machine is wanted it may have been made."""
    wanting = [item.nodeid for item in session.items if "workshop" in getattr(item, "fixturenames", ())]
    if wanting and not session.config.option.collectonly:
        session.stash[WORKSHOP] = Workshop([one for one in RELEASES if any(one in nodeid for nodeid in wanting)])


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (made := session.stash.get(WORKSHOP, None)) is not None:
        made.close()


@pytest.fixture(scope="session")
def workshop(request: pytest.FixtureRequest) -> Workshop:
    return request.session.stash[WORKSHOP]


def bundle_for(python: str) -> Path:
    """The release bundle for this machine's processor, made once."""
    done = subprocess.run(
        ("tools/bundle.sh", sys.executable, str(CACHE / "bundles"), python),
        cwd=REPOSITORY, capture_output=True, text=True, check=False, preexec_fn=machines.ends_with_us,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    return Path(done.stdout.strip().splitlines()[-1])


def release(appliance: Appliance, version: str, breaks: str = "", *, whole: bool = False) -> Path:
    """A signed release of another version, in the machine's /srv; `breaks` is put where the kiosk daemon starts.

    It wants the very libraries that run, which are linked then: unless it shall be `whole`, it does not carry them once more.
    """
    work = appliance.enterprise.folder / f"source-{version}"
    shutil.copytree(REPOSITORY, work, ignore=shutil.ignore_patterns(".git", ".venv", "build", "dist", ".*_cache", "tests", "docs"))
    (work / "device" / "__init__.py").write_text(f'__version__ = "{version}"\nSOFTWARE = f"daka {{__version__}}"\n')
    if breaks:
        start = work / "device" / "commands" / "run_kiosk.py"
        start.write_text(start.read_text() + f"\n{breaks}\n")
    (work / "setup.py").write_text((work / "setup.py").read_text().replace('version="0.1.0"', f'version="{version}"'))
    folder = appliance.enterprise.folder / f"daka-{version}"
    shutil.copytree(appliance.bundle, folder, ignore=shutil.ignore_patterns("daka-*.whl" if whole else "*.whl"))
    wheel = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir")
    subprocess.run((*wheel, str(folder / "wheels"), str(work)), check=True, capture_output=True)
    (folder / "VERSION").write_text(f"{version} {appliance.python} {os.uname().machine}\n")
    sums = "find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS"
    subprocess.run(("sh", "-c", sums), cwd=folder, check=True)
    archive = appliance.machine.files / "srv" / f"daka-{version}.tar"
    subprocess.run(("tar", "-C", str(folder.parent), "-cf", str(archive), folder.name), check=True)
    appliance.enterprise.call("release", str(archive), "--dir", str(appliance.enterprise.folder / "keys"))
    return Path("/srv") / archive.name


def raised(workshop: Workshop, release: str, folder: Path, more: tuple[str, ...] = ()) -> Iterator[Appliance]:
    """An appliance of that release, with `more` packages: installed and configured."""
    base, bundle = workshop.root_and_bundle(release)
    if more:
        base = machines.root_of(release, CACHE, more)
    with machines.machine(base, folder / "machine", f"daka-{release}", {bundle: "/root/bundle"}) as machine:
        enterprise = Enterprise(machine, folder / "enterprise")
        enterprise.folder.mkdir()
        appliance = Appliance(machine, enterprise, bundle, RELEASES[release])
        try:
            enterprise.open()
            appliance.install("--name", DEVICE, "--no-start")
            appliance.configure()
            yield appliance
        finally:
            enterprise.close()


@pytest.fixture(scope="module", params=["bookworm", pytest.param("trixie", marks=pytest.mark.long)])
def appliance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, workshop: Workshop) -> Iterator[Appliance]:
    """On Debian 12 (and 13, in the long run); started, with its person, known to the enterprise."""
    for made in raised(workshop, request.param, tmp_path_factory.mktemp("appliance")):
        made.begin()
        yield made
