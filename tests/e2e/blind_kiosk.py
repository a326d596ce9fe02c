"""The kiosk daemon without a camera, on the machine's own clocks: `blind_kiosk STATE`. Each line on stdin is a person who punches.

Answers each with `SEQ AT`, AT being what it believed the time to be.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from device import clock, config, kiosk, messages, post, server, state, terms, timekeeping
from tests.device import parts


def main() -> None:
    folder = state.Folder(Path(sys.argv[1]))
    settings = config.read(folder.config)
    keeper = timekeeping.Timekeeper(clock.SystemClock(), terms.time_limits(settings))
    files = kiosk.open_files(folder, settings.device.id, keeper, replace_damaged=True)
    keeper.resume(files.journal.anchors(keeper.now().boot_id), files.journal.append)
    routes = post.uplink_routes(post.Post(files.journal, settings, keeper, folder.root, keeper))
    serving = server.serve(server.application("uplink", routes), server.listen(folder.uplink_socket), 4)
    threading.Thread(target=serving.run, daemon=True).start()
    print(files.journal.public_key, flush=True)
    for line in sys.stdin:
        kiosk.look_at_the_clock(keeper)
        moment = keeper.now()
        receipt = files.journal.append(parts.punch(line.strip()), moment)
        print(receipt.seq, messages.write_time(moment.at), flush=True)


if __name__ == "__main__":
    main()
