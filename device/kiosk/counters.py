"""Every socket of the kiosk daemon, who asks there, and what may be asked."""

from __future__ import annotations

import dataclasses
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import device
from device import (
    admin,
    admission,
    attend,
    corrections_counter,
    erasure,
    holdings,
    keys,
    metrics,
    people_counter,
    post,
    progress,
    recognition_counter,
    retention,
    selftest_board,
    server,
    service,
    site,
    state,
    terms,
    unlock,
    upgrade_brought,
    upgrades,
    vitals,
    web_counter,
    web_lists,
)
from device.admission_counter import AdmissionCounter
from device.backups import counter as backups_counter
from device.backups.shelf import Shelf
from device.kiosk.inside import Inside
from device.kiosk.threads import in_background
from device.kiosk.watch import Watch
from device.locks import room
from device.server import Route
from device.telling import Tell


@dataclasses.dataclass(frozen=True, slots=True)
class Counter:
    """One socket, who asks there, and what may be asked."""

    path: Path
    name: str
    routes: tuple[Route, ...]
    threads: int
    belongs: Callable[[str], bool] = server.is_ours


def office_routes(
    inside: Inside,
    eraser: erasure.Eraser,
    keeping: retention.Retention,
    folder: state.Folder,
    carrier: post.Post,
    stamping: room.Room,
    teller: Callable[[], Tell],
) -> tuple[Route, ...]:
    """What the office may ask, on the command line and, in part, through the web UI."""
    files, time_source = inside.files, inside.time_source
    alone = "credential" if keys.has_credential(folder.credentials) else "file"
    chosen = inside.config.device.unlock
    held = chosen if chosen == "server" or (chosen == "tpm" and alone == "credential") else alone
    return (
        *admin.admin_routes(
            inside.office,
            inside.board,
            inside.source,
            inside.claims,
            time_source,
            inside.eyes.landmarks,
            held,
            lambda: inside.walk.locked(),
            teller,
        ),
        *admin.sitting_routes(inside.sittings),
        *people_counter.directory_routes(inside.personnel, eraser, teller),
        *people_counter.retention_routes(keeping),
        *people_counter.holdings_routes(holdings.Holdings(files.journal, files.directory, time_source)),
        *corrections_counter.corrections_routes(inside.corrections, files.directory, inside.config.device.site),
        *stamping.for_admins,
        *post.carrier_routes(carrier),
    )


def counters(
    inside: Inside,
    eraser: erasure.Eraser,
    keeping: retention.Retention,
    folder: state.Folder,
    watch: Watch,
    carrier: post.Post,
    stamping: room.Room,
    shelf: Shelf,
    joining: AdmissionCounter,
    aliases: Callable[[], Mapping[str, str]],
    stop: threading.Event,
) -> tuple[Counter, ...]:
    """Every socket of the daemon; `aliases` as `device.roster` has them."""
    files, time_source = inside.files, inside.time_source
    updating = upgrades.office_routes(watch.upgrading, lambda body: files.journal.append(body, time_source.now()))
    works = progress.Board()
    for_admins = (*office_routes(inside, eraser, keeping, folder, carrier, stamping, works.asked), *updating, *works.routes())
    sealing = keys.sealing_key(folder.keys)
    among = site.Site(files.journal, files.directory, eraser, time_source, sealing, inside.office.consents, aliases)
    ways_here = (
        *people_counter.site_routes(among),
        *people_counter.ways_routes(inside.ways),
        *people_counter.own_routes(inside.affairs),
    )
    backing_up = backups_counter.counter(shelf, stop, works.asked)
    backups = (*backing_up.routes(), *backing_up.key_routes())
    board = selftest_board.SelfTestBoard(carrier.is_on)
    machine = Route("GET", "/v1/machine", watch.readings.read)
    watched = metrics.routes(for_admins[0], machine, device.SOFTWARE)
    for_web = (
        *web_routes(inside, folder, watch, for_admins, stop),
        *backing_up.routes(),
        *works.routes(),
        *selftest_board.web_routes(board, files.journal, time_source),
        *joining.for_web(),
    )
    for_uplink = (
        *joining.for_uplink(),
        *vitals.uplink_routes(watch.signs),
        *upgrades.uplink_routes(watch.upgrading),
        *unlock.uplink_routes(watch.unlocking),
        *post.uplink_routes(carrier),
        *stamping.for_uplink,
        *selftest_board.uplink_routes(board),
    )
    return (
        Counter(
            folder.admin_socket,
            "admin",
            (*for_admins, *ways_here, machine, *watched, *backups, *joining.for_admins()),
            threads=8,
        ),
        Counter(folder.web_socket, "web", for_web, threads=6),
        Counter(folder.uplink_socket, "uplink", for_uplink, threads=7),  # three of them wait for news
        Counter(folder.metrics_socket, "metrics", watched, threads=1, belongs=server.is_loopback),
        Counter(folder.kiosk_bridge_socket, "bridge", stamping.for_bridge, threads=4),
    )


def web_routes(
    inside: Inside, folder: state.Folder, watch: Watch, for_admins: tuple[Route, ...], stop: threading.Event
) -> tuple[Route, ...]:
    """What the administrators' pages may ask: their own counter's, the office's in part, and a release that is brought."""
    files, time_source = inside.files, inside.time_source
    web = web_counter.WebCounter(web_counter.Kiosk(files.journal, time_source, inside.codes, watch.readings, folder, stop))
    lists = web_lists.Lists(files.directory, files.journal, time_source, lambda way: attend.holds_for(way, inside.walk.policy))
    in_background("register", lists.fill)
    level = terms.liveness_level(inside.config, inside.eyes, inside.source)
    brought = upgrade_brought.Brought(folder.brought_updates, lambda: upgrades.standing(folder.update))
    return (
        *vitals.web_routes(watch.signs),
        *web_counter.web_routes(web, for_admins),
        *lists.routes(),
        *recognition_counter.routes(inside.office, files.directory, level),
        *upgrade_brought.routes(brought, lambda body: files.journal.append(body, time_source.now())),
    )


def admission_of(inside: Inside, folder: state.Folder, stop: threading.Event) -> AdmissionCounter:
    """Joining and leaving, and what may be asked about them; what came of it holds from the next start."""
    files, time_source = inside.files, inside.time_source
    one = admission.Admission(
        folder,
        inside.config.device.id,
        inside.office.withdraw_all,
        lambda audit: files.journal.append(audit, time_source.now()),
        lambda: threading.Timer(0.5, stop.set).start(),  # after the answer has gone out
    )
    return AdmissionCounter(one, inside.codes, folder)


def listen(under: service.Service, path: Path) -> socket.socket:
    """The socket that systemd passed, or one of our own."""
    return under.listener(path) or server.listen(path)


def serve(stack: ExitStack, listener: socket.socket, counter: Counter) -> None:
    app = server.application(counter.name, counter.routes, counter.belongs)
    serving = server.serve(app, listener, counter.threads)
    threading.Thread(target=serving.run, name=counter.name, daemon=True).start()
    stack.callback(serving.close)
