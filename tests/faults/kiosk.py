"""The kiosk daemon without camera and models: its journal, its clock and the uplink's counter; punches come by chance.

`kiosk.py STATE MACHINE PAUSE_S`. Prints `begun EPOCH`; then, for each punch, `tries PERSON`, who never came before, and
`receipt SEQ HASH TRUE_US` once it is on the disk (TRUE_US: when that really was, microseconds since 1970), or `refused KIND`.
While a file `quiet` lies beside MACHINE it makes no punches, which `quiet` says once it is so.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from device import config, database, journal, kiosk, messages, post, server, state, supervisor, terms, timekeeping
from tests.device import parts
from tests.faults import machine

LOOK_EVERY_S = 0.5


def main() -> None:
    root, machine_file, pause_s = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    folder, stop = state.Folder(root, sockets=machine_file.parent / "run"), supervisor.stop_on_signals()
    settings = config.read(folder.config)
    with ExitStack() as stack:
        stack.enter_context(state.locked(folder))
        keeper = timekeeping.Timekeeper(machine.Clock(machine_file), terms.time_limits(settings))
        files = kiosk.open_files(folder, settings.device.id, keeper, replace_damaged=True)
        keeper.resume(files.journal.anchors(keeper.now().boot_id), files.journal.append)
        announce(files.journal, keeper)
        routes = post.uplink_routes(post.Post(files.journal, settings, keeper, root, keeper))
        serving = server.serve(server.application("uplink", routes), server.listen(folder.uplink_socket), 4)
        threading.Thread(target=serving.run, daemon=True).start()
        threading.Thread(target=keep_time, args=(keeper, stop), daemon=True).start()
        print(f"begun {files.journal.head().epoch}", flush=True)
        punch_until(stop, files.journal, keeper, machine_file.parent / "quiet", pause_s)


def announce(opened: journal.Journal, keeper: timekeeping.Timekeeper) -> None:
    try:
        opened.append(messages.Boot("faults"), keeper.now())
    except database.StorageError as error:
        print(f"boot not recorded: {type(error).__name__}", flush=True)


def keep_time(keeper: timekeeping.Timekeeper, stop: threading.Event) -> None:
    while not stop.wait(LOOK_EVERY_S):
        kiosk.look_at_the_clock(keeper)


def punch_until(
    stop: threading.Event, opened: journal.Journal, keeper: timekeeping.Timekeeper, quiet: Path, pause_s: float
) -> None:
    is_still = False
    while not stop.wait(random.expovariate(1 / pause_s)):
        if quiet.exists():
            if not is_still:
                print("quiet", flush=True)
            is_still = True
            continue
        is_still = False
        person = f"p-{random.getrandbits(128):032x}"
        print(f"tries {person}", flush=True)
        moment, true_us = keeper.now(), time.time_ns() // 1_000
        try:
            receipt = opened.append(parts.punch(person), moment)
        except database.StorageError as error:
            print(f"refused {type(error).__name__}", flush=True)
        else:
            print(f"receipt {receipt.seq} {receipt.hash} {true_us}", flush=True)


if __name__ == "__main__":
    main()
