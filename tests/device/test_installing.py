"""The installer's scripts on a root of the test's own: what they write lies in its folders, and this machine's stays as it is."""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from device import ended, updates, usb
from tests.broker import missing
from tests.house.test_repository import REPOSITORY

PLACES = ("opt", "run", "etc", "sys", "var/lib", "usr/local/bin", "usr/lib/sysusers.d", "usr/lib/tmpfiles.d")
LAY = 'cd "$1"; shift; for place in ' + " ".join(PLACES) + '; do mount --bind "$place" "/$place"; done; exec "$@"'
PROGRAMS_WANT = ("ld.so.cache", "passwd", "group")
LIBRARY = "lib/python3.11/site-packages"
# Stand for what is not ours and takes its time: a Python whose environments hold what its pip copies there, and the product, which
# notes whether a whole version runs while it is being laid down, and may have the power cut. Wheels are looked into by a real one.
PYTHON = f"""#!/bin/sh
for last; do :; done
case "$*" in
    *"/holds.py "*) exec {sys.executable} "$@" ;;
    *" --requirement "*)
        echo anew >>/opt/laid
        {sys.executable} -m zipfile -e "$(dirname "$last")"/wheels/lib-*.whl "$(dirname "$0")/../{LIBRARY}" ;;
    "-m venv "*) mkdir -p "$last/bin" "$last/{LIBRARY}" && cp "$0" "$last/bin/python" ;;
    *" --force-reinstall "*) cp "$last" "$(dirname "$0")/daka" ;;
esac
"""
PRODUCT = """#!/bin/sh
for last; do :; done
[ -e /opt/daka/current/installed ] && echo whole >>/opt/seen || echo none >>/opt/seen
[ ! -e "$last/cut" ] || kill -9 $PPID
[ ! -e "$last/full" ] || exit 1
mkdir -p "$(dirname "$0")/../weights"
exit 0
"""
SWITCH = """#!/bin/sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
ln -sfn "versions/$(basename "$(dirname "$(dirname "$here")")")" /opt/daka/current
"""


@dataclass(frozen=True)
class Root:
    """A machine's folders, as far as the scripts write to them; its programs are this machine's, its systemd only notes."""

    at: Path

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """A command as root, to which these folders are the machine's."""
        return subprocess.run(
            ["unshare", "--mount", "sh", "-euc", LAY, "sh", self.at, *command],
            env={"PATH": f"{self.at}/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    def current(self) -> str:
        return os.readlink(self.at / "opt/daka/current").removeprefix("versions/")


@pytest.fixture
def root(tmp_path: Path) -> Root:
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        missing("a mount namespace", "util-linux, and run the tests as root")
    at = tmp_path / "root"
    for place in ("bin", "etc/systemd/system", "etc/credstore.encrypted", *PLACES):
        (at / place).mkdir(parents=True, exist_ok=True)
    for file in PROGRAMS_WANT:
        shutil.copy(f"/etc/{file}", at / "etc" / file)
    (at / "etc/credstore.encrypted/daka.wrapping-key").write_text("sealed")
    for name in ("systemctl", "udevadm"):
        program(
            at / "bin" / name,
            '#!/bin/sh\necho "$0 $*" >>/opt/asked\n[ "$1" != is-active ] || [ ! -e /opt/desktop ] || echo active\n',
        )
    program(at / "bin/python3.11", PYTHON)
    return Root(at)


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def deliver(wheel: Path, files: dict[str, str]) -> None:
    """A wheel of these files; behind a script, where there is one."""
    rows = [f"{name},sha256={digest_of(text)},{len(text)}" for name, text in files.items()]
    with zipfile.ZipFile(wheel, "a") as archive:
        for name, text in (*files.items(), (f"{wheel.stem}.dist-info/RECORD", "\n".join(rows))):
            archive.writestr(name, text)


def digest_of(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def bundle(folder: Path, doc: str, *, cut: bool = False, full: bool = False) -> Path:
    """A release bundle of version 0.1.0 as small as one can be; another `doc`, another bundle."""
    for name in ("wheels", "doc", "units", "etc", "weights"):
        (folder / name).mkdir(parents=True)
    (folder / "doc/README.md").write_text(doc)
    if cut:
        (folder / "weights/cut").touch()
    if full:
        (folder / "weights/full").touch()
    for name in ("units/daka.target", "etc/sysusers.conf", "weights/one", "requirements.txt"):
        (folder / name).touch()
    program(folder / "wheels/daka-0.1.0-py3-none-any.whl", PRODUCT)
    deliver(folder / "wheels/daka-0.1.0-py3-none-any.whl", {})
    deliver(folder / "wheels/lib-1-py3-none-any.whl", {"lib.py": "good"})
    program(folder / "activate.sh", SWITCH)
    for name in ("install.sh", "holds.py"):
        shutil.copy(REPOSITORY / "systemd" / name, folder)
    (folder / "VERSION").write_text(f"0.1.0 3.11 {platform.machine()}\n")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(folder)}\n" for path in files)
    (folder / "SHA256SUMS").write_text("".join(sums))
    return folder / "install.sh"


def test_while_a_version_is_installed_over_itself_and_whatever_ends_that_a_whole_one_runs(root: Root, tmp_path: Path) -> None:
    doc = root.at / "opt/daka/current/share/doc/daka/README.md"
    first, second, third = (bundle(tmp_path / doc, doc) for doc in ("first", "second", "third"))
    done = root.run(first, "--no-start")
    assert (done.returncode, root.current()) == (0, "0.1.0"), done.stderr
    assert "is there already" in root.run(first, "--no-start").stdout
    assert root.run(bundle(tmp_path / "cut", "cut", cut=True), "--no-start").returncode == -9
    assert (root.current(), doc.read_text()) == ("0.1.0", "first")
    assert root.run("/opt/daka/current/bin/daka").returncode == 0
    for _ in range(2):  # the second time it is there already
        assert root.run(second, "--no-start").returncode == 0
    assert root.current().startswith("0.1.0+")
    assert doc.read_text() == "second"
    assert root.run(third, "--no-start").returncode == 0
    assert doc.read_text() == "third"
    assert len(list((root.at / "opt/daka/versions").iterdir())) == 2  # what runs, and what ran until then
    assert (root.at / "opt/seen").read_text().split() == ["none", *["whole"] * 6], "looked at as well where it is there already"


def test_a_library_that_rotted_is_laid_down_anew_and_no_release_takes_it_over(root: Root, tmp_path: Path) -> None:
    first = bundle(tmp_path / "first", "first")
    laid, library = root.at / "opt/laid", root.at / "opt/daka/current" / LIBRARY / "lib.py"

    def install(bundle: Path) -> tuple[str, int]:
        """Where it lies then, and how often libraries were laid down anew so far."""
        done = root.run(bundle, "--no-start")
        assert done.returncode == 0, done.stderr
        assert library.read_text() == "good"
        return root.current(), len(laid.read_text().split())

    assert install(first) == ("0.1.0", 1)
    for times in (2, 3):  # beside what runs, in turns
        library.write_text("rots")
        beside, count = install(first)
        assert (beside.startswith("0.1.0+"), count) == (times == 2, times)
        assert install(first) == (beside, times), "it is there already"
    assert install(bundle(tmp_path / "second", "second"))[1] == 3, "what is whole is linked"
    library.write_text("rots")
    assert install(bundle(tmp_path / "third", "third"))[1] == 4
    assert not (root.at / "opt/daka/current/share/daka/units/daka.target").read_text()
    (root.at / "opt/daka/current/share/daka/units/daka.target").write_text("rots")
    assert install(bundle(tmp_path / "fourth", "third"))[1] == 4
    assert not (root.at / "opt/daka/current/share/daka/units/daka.target").read_text()


def modes(root: Root) -> dict[str, str]:
    """Of what the daemons, which are not root, have to enter and read."""
    asked = ("opt/daka", "opt/daka/versions", "opt/daka/versions/0.1.0", "etc/daka", "etc/daka/config.toml")
    return {place: oct(stat.S_IMODE((root.at / place).stat().st_mode)) for place in asked}


def test_under_the_strictest_umask_the_daemons_may_read_what_is_installed_and_what_was_shut_before_is_opened(
    root: Root, tmp_path: Path
) -> None:
    install = bundle(tmp_path / "bundle", "doc")
    wanted = {"opt/daka": "0o755", "opt/daka/versions": "0o755", "opt/daka/versions/0.1.0": "0o755", "etc/daka": "0o755"}
    for _ in range(2):
        done = root.run("sh", "-c", 'umask 077; exec "$0" --no-start', install)
        assert done.returncode == 0, done.stderr
        assert modes(root) == {**wanted, "etc/daka/config.toml": "0o644"}
        for place in ("opt/daka", "opt/daka/versions", "etc/daka"):  # as an older installer left them
            (root.at / place).chmod(0o700)


def test_the_device_key_hangs_on_no_measurement_of_the_firmware_and_is_roots_alone(root: Root, tmp_path: Path) -> None:
    sealed = root.at / "etc/credstore.encrypted/daka.wrapping-key"
    sealed.unlink()
    program(root.at / "bin/systemd-creds", '#!/bin/sh\necho "$*" >>/opt/asked\nfor last; do :; done\ncat >"$last"\n')
    done = root.run(bundle(tmp_path / "bundle", "doc"), "--no-start")
    assert done.returncode == 0, done.stderr
    (asked,) = (line for line in (root.at / "opt/asked").read_text().splitlines() if line.startswith("encrypt"))
    assert {"--with-key=auto", "--tpm2-pcrs=23"} <= set(asked.split())
    assert (sealed.stat().st_size, oct(stat.S_IMODE(sealed.stat().st_mode))) == (32, "0o600")


def test_a_desktop_keeps_the_screen_unless_somebody_says_that_it_ends(root: Root, tmp_path: Path) -> None:
    program(root.at / "bin/cage", "#!/bin/sh\n")
    (root.at / "opt/desktop").touch()
    install, asked = bundle(tmp_path / "bundle", "first"), root.at / "opt/asked"
    refused = root.run(install)
    assert refused.returncode == 1
    assert "a desktop holds this machine's screen" in refused.stderr
    assert "--no-desktop" in refused.stderr
    assert not (root.at / "opt/daka").exists()
    done = root.run(install, "--no-desktop")
    assert done.returncode == 0, done.stderr
    assert [row.partition(" ")[2] for row in asked.read_text().splitlines()][-2:] == [
        "set-default multi-user.target",
        "--no-block stop display-manager.service",
    ]
    (root.at / "opt/desktop").unlink()
    asked.unlink()
    assert root.run(install).returncode == 0
    assert "multi-user" not in asked.read_text()


def test_of_an_installation_that_fails_nothing_stays(root: Root, tmp_path: Path) -> None:
    failed = root.run(bundle(tmp_path / "full", "full", full=True), "--stage")
    assert failed.returncode != 0
    assert not list((root.at / "opt/daka/versions").iterdir())


def test_nothing_is_installed_by_hand_while_an_update_is_tried_and_the_update_itself_lays_its_version_down(
    root: Root, tmp_path: Path
) -> None:
    installer = bundle(tmp_path / "bundle", "doc")
    with updates.alone(root.at / "var/lib/daka-update"):
        refused = root.run(installer, "--no-start")
        assert (refused.returncode, "an update is under way" in refused.stderr) == (1, True)
        assert root.run(installer, "--stage").returncode == 0
    assert root.run(installer, "--no-start").returncode == 0


def version(root: Root, name: str, *drop_ins: str) -> str:
    """One that lies on the machine, with its own activate.sh; where that is, to the machine."""
    share = root.at / "opt/daka/versions" / name / "share/daka"
    for drop_in in drop_ins:
        (share / "units" / drop_in).parent.mkdir(parents=True, exist_ok=True)
        (share / "units" / drop_in).write_text(name)
    (share / "units/daka-page.socket").touch()
    shutil.copytree(REPOSITORY / "systemd/etc", share / "etc")
    shutil.copy(REPOSITORY / "systemd/activate.sh", share)
    return f"/opt/daka/versions/{name}/share/daka/activate.sh"


def test_going_back_takes_away_what_the_newer_version_laid_into_units_folders_and_nothing_of_anybody_elses(root: Root) -> None:
    for name in ("systemd-sysusers", "systemd-tmpfiles"):
        program(root.at / "bin" / name, "#!/bin/sh\n")
    old = version(root, "0.1.0", "daka-kiosk.service.d/50-both.conf")
    new = version(
        root, "0.2.0", "daka-kiosk.service.d/50-both.conf", "daka-kiosk.service.d/60-new.conf", "daka-x.service.d/60-new.conf"
    )
    done = root.run(new)
    assert done.returncode == 0, done.stderr
    units = root.at / "etc/systemd/system"
    own = [units / "daka-kiosk.service.d/99-own.conf", units / "daka-uplink.service.d/broker.conf"]
    for one in own:
        one.parent.mkdir(exist_ok=True)
        one.touch()
    done = root.run(old)
    assert done.returncode == 0, done.stderr
    assert (units / "daka-kiosk.service.d/50-both.conf").read_text() == "0.1.0"
    assert not list(units.glob("*/60-new.conf"))
    assert all(one.exists() for one in (*own, units / "daka-kiosk.service.d/credential.conf"))


def test_a_switch_that_is_cut_off_between_units_and_link_says_so_to_the_next_start_and_one_that_ends_does_not(root: Root) -> None:
    for name in ("systemd-sysusers", "systemd-tmpfiles"):
        program(root.at / "bin" / name, "#!/bin/sh\n")
    switching = root.at / "var/lib/daka-update" / updates.SWITCHING
    assert root.run(version(root, "0.1.0", "daka-kiosk.service.d/50-old.conf")).returncode == 0
    assert not switching.exists()
    new = version(root, "0.2.0", "daka-kiosk.service.d/60-new.conf")
    program(root.at / "bin/udevadm", "#!/bin/sh\nkill -9 $PPID\n")  # the power goes
    assert root.run(new).returncode == -9
    assert (root.current(), switching.exists()) == ("0.1.0", True)
    assert list((root.at / "etc/systemd/system").glob("*/60-new.conf"))
    program(root.at / "bin/udevadm", "#!/bin/sh\nkill -s HUP $PPID\n")  # somebody's terminal is closed
    assert root.run(new).returncode == 0
    assert (root.current(), switching.exists()) == ("0.2.0", False)


def test_the_journals_bounds_hold_from_the_switch_on_and_only_what_has_changed_is_begun_anew(root: Root) -> None:
    for name in ("systemd-sysusers", "systemd-tmpfiles"):
        program(root.at / "bin" / name, "#!/bin/sh\n")
    asked = root.at / "opt/asked"

    def begun_anew() -> int:
        return asked.read_text().count("try-restart systemd-journald.service")

    assert root.run(version(root, "0.1.0", "daka-kiosk.service.d/50-both.conf"), "--no-start").returncode == 0
    assert begun_anew() == 1
    assert root.run(version(root, "0.2.0", "daka-kiosk.service.d/50-both.conf"), "--no-start").returncode == 0
    assert begun_anew() == 1, "the same bounds"


def test_nothing_is_taken_off_while_an_update_is_tried(root: Root) -> None:
    program(root.at / "usr/local/bin/daka", "")
    with updates.alone(root.at / "var/lib/daka-update"):
        refused = root.run(REPOSITORY / "systemd/uninstall.sh")
    assert (refused.returncode, "an update is under way" in refused.stderr) == (1, True)
    assert (root.at / "usr/local/bin/daka").exists()
    assert root.run(REPOSITORY / "systemd/uninstall.sh").returncode == 0
    assert not (root.at / "usr/local/bin/daka").exists()


def test_a_machine_from_which_it_was_taken_off_lets_every_usb_device_in_again(root: Root) -> None:
    hub, stranger = root.at / "sys/bus/usb/devices/usb1/authorized_default", root.at / "sys/bus/usb/devices/1-2/authorized"
    for one in (hub, stranger):
        one.parent.mkdir(parents=True)
        one.write_text("0")
    rules = root.at / "etc/udev/rules.d/71-daka-usb.rules"
    usb.lock(root.at / "etc/daka/usb.json", rules)
    done = root.run(REPOSITORY / "systemd/uninstall.sh")
    assert done.returncode == 0, done.stderr
    assert not rules.exists()
    assert (hub.read_text().strip(), stranger.read_text().strip()) == ("1", "1")
    assert "udevadm control --reload" in (root.at / "opt/asked").read_text()


@pytest.mark.parametrize(("result", "looks"), [("success", False), ("watchdog", True)])
def test_only_after_an_end_that_nobody_asked_for_root_looks_whether_a_version_falls(root: Root, result: str, looks: bool) -> None:
    shared = (REPOSITORY / "systemd/units/daka-.service.d/50-hardening.conf").read_text()
    (said,) = re.findall(r"^ExecStopPost=\+/bin/sh -c '(.*)'$", shared, re.MULTILINE)
    command = said.replace("%N", "daka-kiosk").replace("%%", "%").replace("$$", "$")
    assert root.run("env", f"SERVICE_RESULT={result}", "sh", "-c", command).returncode == 0
    assert [(one.daemon, one.count) for one in ended.read(root.at / "run/daka/ended")] == [("daka-kiosk", 1)]
    asked = root.at / "opt/asked"
    assert (asked.exists() and "daka-update-falls.service" in asked.read_text()) == looks
