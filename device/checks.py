"""What a kiosk needs, looked at one by one. Reads only; changes nothing, sends nothing but one TLS handshake to the broker."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx

from device import api, clock, config, credential, diagnoses, membership, mqtt, selftest, sensors, state, units
from device.errors import DeviceError
from device.findings import Finding as Finding
from device.findings import Verdict as Verdict
from device.page import voice
from models import manifest as manifests
from models import weights
from models.errors import ModelError
from models.landmarks import choice

LOW_DISK_BYTES = 500 * 1024 * 1024
SOON_DAYS = 30
HANDSHAKE_S = 5.0
ENROL_AGAIN = (
    "check the disk; then, for each: daka people withdraw NUMBER, daka people consent NUMBER, daka enrol NUMBER PHOTOGRAPH"
)


PROTECTS = {
    "file": "whoever has this card has the templates",
    "tpm": "the card opens on this board alone; whoever has both has the templates",
    "server": "only card and server's share together open the templates; stolen, they stay shut once this kiosk is distrusted",
}
AS_ROOT = "sudo daka doctor"
PAGE_SOCKET, DESKTOP = "daka-page.socket", "display-manager.service"
COUNT_MEMORY = "add cgroup_enable=memory to the one line of /boot/firmware/cmdline.txt, and start the machine anew"
SWAP_OFF = "Debian 12: sudo systemctl disable --now dphys-swapfile; Debian 13: Mechanism=none in /etc/rpi/swap.conf"
SOUND_CARDS = Path("/dev/snd")
ALSACTL = Path("/usr/sbin/alsactl")  # its unit sets the volume at the machine's start
SOUND_GROUP = "daka-sound"  # of loudspeakers alone, systemd/etc/sound.rules
FILES = "files of mode 0600; they do not protect a stolen card"


def all_of(folder: state.Folder, weights_directory: Callable[[], Path]) -> tuple[Finding, ...]:
    """Every check, in the order of the line; a wrong configuration ends it, since all else hangs on that."""
    try:
        settings = config.read(folder.config, folder.layer, folder.enterprise)
    except config.ConfigError as error:
        return (Finding("configuration", Verdict.BAD, str(error), "mend the setting; `daka config list` explains each"),)
    return (
        Finding("configuration", Verdict.GOOD, str(folder.config) if folder.config.exists() else "no file; every default holds"),
        *enterprise(folder),
        models(weights_directory()),
        *landmarks(settings, weights_directory()),
        keys(folder),
        unlocked_by(settings),
        *keys_copy(folder),
        disk(folder.root),
        *memory(folder),
        time(clock.SystemClock()),
        camera(settings),
        kiosk(folder),
        *vital_signs(folder),
        *units.findings(folder),
        page(settings, folder),
        *screen(folder),
        *sound(settings, folder),
        *broker(settings, folder),
    )


def enterprise(folder: state.Folder) -> tuple[Finding, ...]:
    """The file that names the enterprise, where it is damaged: the kiosk works on without."""
    try:
        membership.read(folder.enterprise)
    except membership.TrustError as error:
        return (Finding("enterprise", Verdict.BAD, str(error), "as above; a disk that damaged one file damages others"),)
    return ()


def models(directory: Path) -> Finding:
    """The weights and their digests."""
    try:
        weights.ready(directory)
    except ModelError as error:
        return Finding("models", Verdict.BAD, str(error), "daka models fetch")
    return Finding("models", Verdict.GOOD, f"every digest holds in {directory}")


def landmarks(settings: config.Config, directory: Path) -> tuple[Finding, ...]:
    """Who lays the mesh on a face here, as the probe found."""
    entry = manifests.load().entry(weights.LANDMARKER)
    if weights.state(directory, entry) is not weights.State.PRESENT:
        return ()
    return (Finding("landmarks", Verdict.GOOD, choice.here(choice.Wanted(settings.models.landmarks), directory, entry).sentence),)


def keys(folder: state.Folder) -> Finding:
    """The key files and who can read them."""
    if not _may_look_into(folder.root):
        return Finding("keys", Verdict.NOTE, f"{folder.root} is the kiosk daemon's; only root may look", AS_ROOT)
    found = [folder.keys / name for name in ("journal.key", "wrapping.key")]
    absent = [path.name for path in found if not path.exists()]
    if absent == ["wrapping.key"] and folder.people.exists():
        return Finding("keys", Verdict.GOOD, "the device key is a system credential; no file of it lies here")
    if absent:
        return Finding("keys", Verdict.NOTE, f"{', '.join(absent)}: not made yet", "they are made at the first start")
    for path in (path for path in found if path.exists()):
        if path.stat().st_mode & 0o077:
            return Finding("keys", Verdict.BAD, f"{path} can be read by others", f"chmod 600 {path}")
    return Finding("keys", Verdict.NOTE, FILES, "make the device key a system credential; see docs/operations.md")


def unlocked_by(settings: config.Config) -> Finding:
    """What opens the templates at a start, and what that protects: what has sealed the credential, of which root alone is told."""
    how = settings.device.unlock
    if how == "server" and not settings.uplink.renew_url:
        return Finding("unlock", Verdict.BAD, "server: but this kiosk has joined none", "daka join, or device.unlock = 'file'")
    sealed = credential.kind_of(credential.STORE)
    if how == "tpm" and sealed not in (*credential.TO_THE_BOARD, credential.Kind.UNKNOWN):
        return Finding("unlock", Verdict.BAD, f"tpm: but the device key is {sealed}", "sudo daka unlock tpm")
    if how == "file" and sealed in credential.TO_THE_BOARD:
        said = f"file: but the device key is {sealed}: {PROTECTS['tpm']}"
        return Finding("unlock", Verdict.NOTE, said, "sudo daka unlock tpm, or sudo daka unlock file: then both say the same")
    if how == "file" and sealed is credential.Kind.UNKNOWN:
        return Finding("unlock", Verdict.NOTE, "file: only root may see what has sealed the device key", AS_ROOT)
    return Finding("unlock", Verdict.NOTE if how == "file" else Verdict.GOOD, f"{how}: {PROTECTS[how]}")


def keys_copy(folder: state.Folder) -> tuple[Finding, ...]:
    """What hangs on one board goes with it, unless somebody has made a copy of the keys."""
    if credential.kind_of(credential.STORE) not in credential.TO_THE_BOARD or folder.keys_copied.exists():
        return ()
    said = "nobody is known to have made a copy of the keys: where this board dies no template and no backup opens any more"
    return (Finding("keys", Verdict.NOTE, said, "daka backup keys FILE, to be kept where the kiosk is not"),)


def disk(root: Path) -> Finding:
    """Room for records."""
    place = root if root.exists() else root.parent
    free = shutil.disk_usage(place if place.exists() else "/").free
    words = f"{free // 2**20} MB free"
    if free < LOW_DISK_BYTES:
        return Finding(
            "disk", Verdict.BAD, words, f"free some room; below {LOW_DISK_BYTES // 2**20} MB punches will soon be refused"
        )
    return Finding("disk", Verdict.GOOD, words)


def memory(folder: state.Folder) -> tuple[Finding, ...]:
    """Whether an appliance's daemons are held within their memory, and what they hold in memory stays there."""
    if folder.layer is None:
        return ()
    if sensors.counts_memory():
        return (Finding("memory", Verdict.GOOD, "every daemon is held within its own, and out of swap"),)
    uncounted = "the kernel does not count it, so no daemon is held within its own"
    if disks := sensors.swaps_to_disk():
        written = f"{uncounted}, and what they hold may be written to {', '.join(disks)}"
        return (Finding("memory", Verdict.BAD, written, f"{COUNT_MEMORY}; or switch swap off ({SWAP_OFF})"),)
    return (Finding("memory", Verdict.NOTE, f"{uncounted}; no swap lies on a disk", COUNT_MEMORY),)


def time(time_source: clock.Clock) -> Finding:
    """Whether anybody disciplines the clock."""
    now = time_source.now()
    if now.quality is clock.Quality.SYNCED:
        return Finding("clock", Verdict.GOOD, f"{now.at:%Y-%m-%d %H:%M:%S} UTC, synchronised")
    return Finding("clock", Verdict.NOTE, f"{now.at:%Y-%m-%d %H:%M:%S} UTC, not synchronised", "start chrony or systemd-timesyncd")


def camera(settings: config.Config) -> Finding:
    """The camera that the configuration names, without opening it: the kiosk daemon may have it."""
    source = settings.camera.source
    kind, _, rest = source.partition(":")
    if kind != "device":
        if settings.attend.allow_simulated:
            return Finding(
                "camera", Verdict.NOTE, f"{kind}: is simulated; its punches are marked so", "set camera.source for production"
            )
        return Finding(
            "camera", Verdict.BAD, f"{kind}: is simulated and attend.allow_simulated is off", "set camera.source = 'device:0'"
        )
    device = Path(rest if rest.startswith("/dev/") else f"/dev/video{rest}")
    if not device.exists():
        return Finding("camera", Verdict.BAD, f"{device} does not exist", "plug the camera in, or set camera.source")
    return Finding("camera", Verdict.GOOD, f"{device} exists")


def kiosk(folder: state.Folder) -> Finding:
    """The running daemon, asked through its own socket."""
    if not folder.admin_socket.exists():
        return Finding("kiosk daemon", Verdict.NOTE, "not running", "daka run")
    try:
        with api.AdminClient(folder.admin_socket) as client:
            status = client.status()
    except DeviceError as error:
        return Finding("kiosk daemon", Verdict.BAD, str(error), "daka run")
    backlog = status.last - status.acknowledged
    if status.trouble:
        return Finding("kiosk daemon", Verdict.BAD, status.trouble, "see its log")
    if status.locked:
        return Finding("kiosk daemon", Verdict.BAD, status.locked, diagnoses.REMEDIES["locked"])
    if status.damaged:
        whose = f"a template of {', '.join(status.damaged)} does not open, so their faces are not recognised"
        return Finding("kiosk daemon", Verdict.BAD, whose, ENROL_AGAIN)
    if status.clock_disagrees_s:
        apart = f"the server's time and NTP are {status.clock_disagrees_s:.0f} s apart; the server's counts"
        return Finding("kiosk daemon", Verdict.BAD, apart, "find out which clock is wrong: this kiosk's NTP source, or the server")
    return Finding("kiosk daemon", Verdict.GOOD, f"{status.camera} {status.people} people, {backlog} records wait for the server")


def vital_signs(folder: state.Folder) -> tuple[Finding, ...]:
    """What the running daemon knows of its machine; nothing while it is not running, which has a finding of its own."""
    if not folder.admin_socket.exists():
        return ()
    try:
        with api.AdminClient(folder.admin_socket) as client:
            return tuple(diagnoses.of(client.machine()))
    except DeviceError as error:
        return (Finding("machine", Verdict.BAD, f"the kiosk daemon does not say how it is: {error}", "see its log"),)


def page(settings: config.Config, folder: state.Folder) -> Finding:
    """The kiosk page, asked as the browser beside it would; its shell opens without the token."""
    if not settings.page.port:
        return Finding("kiosk page", Verdict.NOTE, "switched off", "set page.port")
    if not folder.admin_socket.exists():
        return Finding("kiosk page", Verdict.NOTE, "the kiosk daemon that serves it is not running", "daka run")
    if folder.layer is not None:
        return _page_of_an_appliance(folder)
    try:
        origin = folder.page_address.read_text("ascii").partition("/#")[0]
        answer = httpx.get(f"{origin}/", timeout=HANDSHAKE_S, trust_env=False)
    except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
        what = f"nobody answers ({type(error).__name__}); perhaps another program has port {settings.page.port}"
        return Finding("kiosk page", Verdict.BAD, what, "see the kiosk daemon's log, or set page.port to another")
    verdict = Verdict.GOOD if answer.is_success else Verdict.BAD
    return Finding("kiosk page", verdict, f"{origin} answers {answer.status_code}", "" if answer.is_success else "see its log")


def _page_of_an_appliance(folder: state.Folder) -> Finding:
    """Its loopback is the display's alone, so nobody else can ask: whether systemd listens, and the daemon has opened it."""
    if not _is_active(PAGE_SOCKET):
        return Finding("kiosk page", Verdict.BAD, f"nobody listens for it ({PAGE_SOCKET})", f"systemctl start {PAGE_SOCKET}")
    if not folder.page_address.parent.is_dir() or (_may_look_into(folder.page_address.parent) and not folder.page_address.exists()):
        return Finding("kiosk page", Verdict.BAD, "the kiosk daemon has not opened it", "see the kiosk daemon's log")
    return Finding("kiosk page", Verdict.GOOD, "served to the display alone; no other program of this machine reaches it")


def screen(folder: state.Folder) -> tuple[Finding, ...]:
    """Who else holds the screen of an appliance that has a display."""
    if folder.layer is None or shutil.which("cage") is None or not _is_active(DESKTOP):
        return ()
    remedy = f"sudo systemctl set-default multi-user.target; sudo systemctl stop {DESKTOP}"
    return (Finding("screen", Verdict.BAD, f"a desktop holds it ({DESKTOP}): the kiosk page does not appear", remedy),)


def _is_active(unit: str) -> bool:
    done = subprocess.run(("systemctl", "is-active", unit), capture_output=True, text=True, check=False)
    return done.stdout.strip() == "active"


def sound(settings: config.Config, folder: state.Folder, cards: Path = SOUND_CARDS) -> tuple[Finding, ...]:
    """Whether yes and no can be heard, and the page's sentences in the accessible mode."""
    if not settings.page.port:
        return ()
    found = [_loudspeaker(sorted(cards.glob("pcm*p")), is_appliance=folder.layer is not None)]
    if settings.page.speech != "off":
        speaks = voice.Voice().is_there
        what = "espeak-ng speaks the page's sentences" if speaks else "none of the kiosk's own: the sentences are only shown"
        found.append(
            Finding("speech", Verdict.GOOD if speaks else Verdict.NOTE, what, "" if speaks else f"apt install {voice.PROGRAM}")
        )
    return tuple(found)


def _loudspeaker(nodes: list[Path], *, is_appliance: bool) -> Finding:
    if not nodes:
        return Finding(
            "sound", Verdict.NOTE, "no sound card: yes and no are only shown", "plug in a loudspeaker, or a screen that has one"
        )
    if is_appliance and not all(_is_the_displays(node) for node in nodes):
        what = f"the display may not use {nodes[0].parent}: /etc/udev/rules.d/72-daka-sound.rules is not in force"
        return Finding("sound", Verdict.NOTE, what, "udevadm control --reload; udevadm trigger --subsystem-match=sound")
    if is_appliance and not ALSACTL.exists():
        return Finding("sound", Verdict.NOTE, "a sound card, which may be mute: nobody turns it on", "apt install alsa-utils")
    return Finding("sound", Verdict.GOOD, f"{nodes[0].name} is there")


def _is_the_displays(node: Path) -> bool:
    try:
        return node.group() == SOUND_GROUP
    except (KeyError, OSError):  # a group without a name, or unplugged meanwhile
        return False


def _may_look_into(folder: Path) -> bool:
    return not folder.exists() or os.access(folder, os.R_OK | os.X_OK)


def broker(settings: config.Config, folder: state.Folder) -> tuple[Finding, ...]:
    """The way to the broker as far as TLS; the first step that fails is the last one tried."""
    chosen = settings.uplink
    if not chosen.enabled:
        return (Finding("uplink", Verdict.NOTE, "switched off", "daka join, or set uplink.enabled and the rest of [uplink]"),)
    if shut := units.reachable(chosen, folder):
        return (shut,)
    if not _may_look_into(folder.uplink):
        return (Finding("uplink", Verdict.NOTE, "its certificate is the uplink's; only root may look", AS_ROOT),)
    return tuple(selftest.reach(way(chosen, folder.uplink, settings.device.id)))


def way(chosen: config.Uplink, root: Path, device: str) -> selftest.Way:
    """What the uplink would use."""
    ca, certificate, key = (str(root / name) if name else "" for name in (chosen.ca, chosen.certificate, chosen.key))
    now = clock.SystemClock().now()
    target = mqtt.Broker(chosen.host, chosen.port, ca, certificate, key, chosen.keepalive_s)
    return selftest.Way(target, device, now.at, now.quality is clock.Quality.SYNCED)
