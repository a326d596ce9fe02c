"""`daka run uplink`: the daemon that reaches the network."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import nullcontext
from pathlib import Path

import click

from device import (
    api,
    clock,
    identity,
    joiner,
    membership,
    messages,
    mqtt,
    renewal,
    reporter,
    sections,
    selftest,
    service,
    supervisor,
    unlocker,
    upgrade,
)
from device.carrying import Carrying
from device.commands.context import Context, pass_context
from device.errors import DeviceError
from device.selftest_runner import Runner
from device.tls_files import JoinRefused
from device.uplink import Uplink

log = logging.getLogger(__name__)

LOOK_AT_CERTIFICATE_S = 3_600.0


@click.command("uplink")
@pass_context
def run_uplink(context: Context) -> None:
    """The daemon that carries records to the enterprise's broker; it sees no picture and no template."""
    stop = supervisor.stop_on_signals()
    under = service.from_environment(os.environ, os.getpid())
    section = sections.Section((context.folder.config, context.folder.layer), "uplink")
    watched, settings = watched_and_settings(context)
    idle = why_idle(context, settings)
    threading.Thread(target=sections.end_on_change, args=(section, stop), name="settings", daemon=True).start()
    with api.JoinCarrier(context.folder.uplink_socket) as carrier:
        one = joiner.Joiner(carrier, identity.Place(context.folder.root))
        threading.Thread(target=joiner.keep, args=(one, watched, stop), name="joining", daemon=True).start()
        if idle:
            log.warning("%s", idle)
            _wait_for_better_settings(idle, under, stop)
        else:
            _carry(context, settings, under, stop)
    under.stopping()


def watched_and_settings(context: Context) -> tuple[joiner.Watched, Carrying]:
    """The membership first: one that comes while the rest is read is another one, and this daemon starts anew with it."""
    watched = joiner.Watched(context.folder.enterprise)
    return watched, context.carrying()


def why_idle(context: Context, settings: Carrying) -> str:
    """Why nothing can be sent, "" where it can: none of it is a failure, and joining mends all of it."""
    try:
        identity.settle(identity.Place(context.folder.root), membership.read(context.folder.enterprise), settings.device)
    except (JoinRefused, membership.TrustError) as error:
        return f"{error}; records wait on this kiosk"
    if not settings.enabled:
        return "switched off (uplink.enabled); records wait on this kiosk"
    return "" if settings.host else "nobody to send to (uplink.host): daka join sets it; records wait on this kiosk"


def _carry(context: Context, settings: Carrying, under: service.Service, stop: threading.Event) -> None:
    """Records out and answers in, until `stop`."""
    device, topics = settings.device, messages.topics(settings.device)
    broker = settings.broker(context.folder.root)
    if settings.renew_url:
        arguments = (settings.renew_url, broker, device, stop)
        threading.Thread(target=_keep_certificate, args=arguments, name="certificate", daemon=True).start()
    socket = context.folder.uplink_socket
    with api.UplinkClient(socket) as client, api.SelfTestRunner(socket) as asked:
        under.ready("waits for the kiosk daemon")
        goodbye = _first_goodbye(client, stop, under)
        if goodbye is not None:
            wanted = (topics.acknowledgement, f"{topics.desired}/#", topics.lock_answer, messages.SERVER_STATE_TOPIC)
            try:
                pipe = mqtt.PahoPipe(broker, device, wanted, (topics.state, goodbye))
            except mqtt.BrokerConfigError:  # this daemon ends, but whoever asks for a self-test is shown where it fails
                Runner(client, asked, lambda: _way(broker, device), nullcontext).take(0.0)
                raise
            tests = Runner(client, asked, lambda: _way(broker, device), pipe.away)
            threading.Thread(target=tests.keep, args=(stop,), name="self-test", daemon=True).start()
            uplink = Uplink(device, client, pipe)
            telling = (api.UplinkClient(socket), Path(broker.certificate), uplink.is_streaming, stop)
            threading.Thread(target=reporter.keep, args=telling, name="report", daemon=True).start()
            looking = upgrade.Upgrader(
                api.UpgradeClient(socket), context.folder.root / "updates", Path(broker.ca), Path(broker.certificate)
            )
            threading.Thread(target=looking.keep, args=(stop,), name="updates", daemon=True).start()
            _unlock(settings.renew_url, broker, socket, stop)
            under.watch(uplink.works, stop)
            uplink.run(stop)


def _unlock(url: str, broker: mqtt.Broker, socket: Path, stop: threading.Event) -> None:
    """Only a kiosk that has joined has a server that could have a share for it."""
    if url:
        given = (api.UplinkClient(socket), url, Path(broker.ca), Path(broker.certificate), stop)
        threading.Thread(target=unlocker.keep, args=given, name="unlock", daemon=True).start()


def _way(broker: mqtt.Broker, device: str) -> selftest.Way:
    now = clock.SystemClock().now()
    return selftest.Way(broker, device, now.at, now.quality is clock.Quality.SYNCED)


def _wait_for_better_settings(why: str, under: service.Service, stop: threading.Event) -> None:
    """Nothing is restarted again and again, and `systemctl status` says why nothing is sent."""
    under.watch(lambda: True, stop)
    under.ready(why)
    stop.wait()


def _keep_certificate(url: str, broker: mqtt.Broker, device: str, stop: threading.Event) -> None:
    """Renew the certificate in time; the daemon then ends, and whoever keeps it running starts it with the new one."""
    while not stop.is_set():
        try:
            if renewal.due(Path(broker.certificate), renewal.now()):
                renewal.renew(url, Path(broker.ca), Path(broker.certificate), device)
                stop.set()
        except (DeviceError, OSError, ValueError) as error:
            log.warning("%s; it is tried again within the hour", error)
        stop.wait(LOOK_AT_CERTIFICATE_S)


def _first_goodbye(client: api.UplinkClient, stop: threading.Event, under: service.Service) -> bytes | None:
    """The last will comes from the kiosk daemon, which may be starting yet."""
    while not stop.is_set():
        try:
            return client.goodbye()
        except api.KioskAway:
            under.alive()
            stop.wait(0.4)
    return None
