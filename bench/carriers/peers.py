"""The peers: thingsboard-gateway (in a virtual environment of its own) and a Mosquitto bridge, as their documents set them up."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.carriers import trial
from bench.carriers.trial import Carried, Survived
from tests.broker import ADDRESS, free_port, mosquitto_program

GATEWAY = "thingsboard-gateway==3.8.5"
PEERS = Path("build/peers")
PAD = "x" * 700
NUMBER = re.compile(rb'"n":\s*(\d+)')
TOPIC = "data/k1"
STARTS_WITHIN_S = 60.0


class Source:
    """Publishes numbered records at QoS 1 to the peer's own broker; `accepted` are those that it has acknowledged."""

    def __init__(self, port: int) -> None:
        self.accepted: set[int] = set()
        self._numbers: dict[int, int] = {}
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="source")
        self._client.max_queued_messages_set(0)
        self._client.max_inflight_messages_set(100)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_publish = lambda _client, _data, mid, _reason, _properties: self.accepted.add(self._numbers[mid])
        trial.wait_for(lambda: self._connects(port), STARTS_WITHIN_S)
        self._client.loop_start()

    def _connects(self, port: int) -> bool:
        try:
            self._client.connect(ADDRESS, port)
        except OSError:
            return False
        return True

    def publish(self, number: int) -> None:
        at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(milliseconds=number)
        text = json.dumps({"n": number, "t": at.isoformat(timespec="milliseconds"), "pad": PAD})
        sent = self._client.publish(TOPIC, text, qos=1)
        self._numbers[sent.mid] = number

    def fill(self, records: int) -> None:
        for number in range(records):
            while number - len(self.accepted) > 2_000:
                time.sleep(0.005)
            self.publish(number)
        trial.wait_for(lambda: len(self.accepted) >= records, 300)

    def steadily(self, until: float) -> None:
        number, began = 0, time.monotonic()
        while time.monotonic() < until:
            self.publish(number)
            number += 1
            time.sleep(max(0.0, began + number / trial.RATE - time.monotonic()))

    def close(self) -> None:
        trial.wait_for(lambda: len(self.accepted) == len(self._numbers), 10)
        self._client.disconnect()
        self._client.loop_stop()


class Sink:
    """The far end, a process of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.path, self._port = folder / "sink.txt", port
        self.path.touch()
        self._read = self._counted = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "bench.carriers.sink", str(self._port), str(self.path)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)

    def toggle(self) -> None:
        """Silent, or no longer, when this returns."""
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.send_signal(signal.SIGUSR1)
        assert self._process.stdout.readline()

    def count(self) -> int:
        """Messages so far; reads only what is new, so as not to take the processor from the peer."""
        with self.path.open("rb") as file:
            file.seek(self._read)
            fresh = file.read()
        self._read += len(fresh)
        self._counted += len(NUMBER.findall(fresh))
        return self._counted

    def numbers(self) -> list[int]:
        """Every message's number, in the order in which they came."""
        return [int(found) for found in NUMBER.findall(self.path.read_bytes())]

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


class Peer:
    """What both peers have in common: a local broker that takes records, a carrier, and the sink."""

    name = ""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder, self.local, self.far = folder, free_port(), free_port()
        self.sink = Sink(folder, self.far)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        raise NotImplementedError

    def has_taken(self, records: int) -> bool:
        """Whether the carrier itself has that many records."""
        raise NotImplementedError

    def kill(self) -> None:
        raise NotImplementedError

    @property
    def carrier_pid(self) -> int:
        raise NotImplementedError

    def silence(self) -> None:
        self.sink.toggle()

    def speak(self) -> None:
        self.sink.toggle()

    def run(self, name: str, command: list[str], **more: object) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, **more)  # type: ignore[call-overload]

    def end(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.sink.stop()
        shutil.rmtree(self.folder)


class Bridge(Peer):
    """Mosquitto with a bridge: `autosave` is the line of its configuration that decides what a kill costs."""

    name = "Mosquitto bridge"

    def start(self) -> None:
        config = self.folder / "bridge.conf"
        lines = [f"listener {self.local} {ADDRESS}", "allow_anonymous true", "persistence true"]
        lines += [f"persistence_location {self.folder}/", "max_queued_messages 0", "max_inflight_messages 100"]
        lines += ["user root"] if os.geteuid() == 0 else []
        lines += ["connection up", f"address {ADDRESS}:{self.far}", "topic data/# out 1", "cleansession false"]
        lines += ["bridge_protocol_version mqttv311", "try_private false", "notifications false", "keepalive_interval 10"]
        config.write_text("\n".join([*lines, "restart_timeout 1 5"]) + "\n", encoding="ascii")
        self.run("broker", [mosquitto_program(), "-c", str(config)])

    def has_taken(self, records: int) -> bool:
        return True

    def kill(self) -> None:
        self.processes["broker"].kill()
        self.processes["broker"].wait()
        self.start()

    @property
    def carrier_pid(self) -> int:
        return self.processes["broker"].pid


class Gateway(Peer):
    """thingsboard-gateway with its MQTT connector and its SQLite storage."""

    name = "thingsboard-gateway 3.8.5"

    def start(self) -> None:
        config = self.folder / "local.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        config.write_text(f"{user}listener {self.local} {ADDRESS}\nallow_anonymous true\nmax_queued_messages 0\n", encoding="ascii")
        self.run("broker", [mosquitto_program(), "-c", str(config)])
        self._configure()
        self._start_gateway()

    def _start_gateway(self) -> None:
        work = self.folder / "work"
        (work / "logs").mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "TB_GW_CONFIG_DIR": str(self.folder / "config")}
        self.run("gateway", [str(gateway_python()), "-m", "thingsboard_gateway.tb_gateway"], cwd=work, env=environment)

    def _configure(self) -> None:
        theirs = next(gateway_python().parents[1].glob("lib/python*/site-packages/thingsboard_gateway/config"))
        ours = self.folder / "config"
        shutil.copytree(theirs, ours)
        (ours / "data").mkdir(exist_ok=True)
        general = json.loads((ours / "tb_gateway.json").read_text())
        general["thingsboard"] |= {"host": ADDRESS, "port": self.far, "remoteConfiguration": False, "minPackSizeToSend": 500}
        general["thingsboard"] |= {"statistics": {"enable": False}, "security": {"type": "accessToken", "accessToken": "token"}}
        general["thingsboard"] |= {key: "0:0," for key in general["thingsboard"] if "imits" in key}
        general["storage"] = {"type": "sqlite", "data_file_path": f"{ours}/data/", "messages_ttl_check_in_hours": 1}
        general["storage"] |= {"messages_ttl_in_days": 7, "max_read_records_count": 1_000, "size_limit": 1_024}
        general["storage"] |= {"max_db_amount": 10, "oversize_check_period": 1, "writing_batch_size": 1_000}
        general["connectors"] = [{"name": "m", "type": "mqtt", "configuration": "mqtt.json"}]
        (ours / "tb_gateway.json").write_text(json.dumps(general))
        connector = json.loads((ours / "mqtt.json").read_text())
        connector["broker"] |= {"host": ADDRESS, "port": self.local, "cleanSession": False, "cleanStart": False}
        connector["broker"] |= {"sessionExpiryInterval": 3_600, "clientId": "gateway", "security": {"type": "anonymous"}}
        connector["mapping"], connector["requestsMapping"] = [mapping()], {}
        (ours / "mqtt.json").write_text(json.dumps(connector))

    def has_taken(self, records: int) -> bool:
        return sum(rows(path) for path in (self.folder / "config" / "data").glob("*.db")) >= records

    def kill(self) -> None:
        self.processes["gateway"].kill()
        self.processes["gateway"].wait()
        self._start_gateway()

    @property
    def carrier_pid(self) -> int:
        return self.processes["gateway"].pid


def mapping() -> dict[str, object]:
    """One device; an event needs its own time, or it is merged with others of the same millisecond."""
    names = {"deviceNameExpressionSource": "constant", "deviceNameExpression": "k1"}
    names |= {"deviceProfileExpressionSource": "constant", "deviceProfileExpression": "default"}
    series = [{"type": "integer", "key": "n", "value": "${n}", "tsField": "${t}"}]
    series.append({"type": "string", "key": "pad", "value": "${pad}", "tsField": "${t}"})
    converter = {"type": "json", "deviceInfo": names, "sendDataOnlyOnChange": False, "timeout": 60_000}
    converter |= {"attributes": [], "timeseries": series}
    return {"topicFilter": TOPIC, "subscriptionQos": 1, "converter": converter}


def rows(path: Path) -> int:
    """Rows of a gateway's storage file; 0 while it cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])
    except sqlite3.Error:
        return 0


def gateway_python() -> Path:
    """The gateway in a virtual environment of its own, made at the first call (a minute, about 300 MB)."""
    place = (PEERS / "thingsboard").absolute()
    python = place / "bin" / "python"
    if not next(place.glob("lib/python*/site-packages/thingsboard_gateway"), None):
        venv.create(place, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", GATEWAY], check=True)
    return python


class Trials:
    """A peer as a carrier: the same two trials as ours."""

    def __init__(self, peer: type[Peer]) -> None:
        self._peer, self.name = peer, peer.name

    def carry(self, folder: Path, records: int) -> Carried:
        """The far end is away while the backlog grows."""
        with at_work(self._peer, folder) as peer:
            source = Source(peer.local)
            time.sleep(10)  # until the gateway has subscribed
            source.fill(records)
            trial.wait_for(lambda: peer.has_taken(records), 300, 0.5)
            source.close()
            before = trial.processor_s(peer.carrier_pid)
            peer.sink.start()
            seconds = trial.wait_for(lambda: peer.sink.count() >= records, trial.CARRIES_WITHIN_S, 0.05)
            spent = {"carrier": (trial.processor_s(peer.carrier_pid) - before) / records * 1e6}
            return Carried(len(set(peer.sink.numbers())), seconds, trial.peak_mb(peer.carrier_pid), spent)

    def survive(self, folder: Path) -> Survived:
        with at_work(self._peer, folder) as peer:
            peer.sink.start()
            source = Source(peer.local)
            time.sleep(10)
            began = time.monotonic()
            feeding = threading.Thread(target=source.steadily, args=(began + trial.END_AFTER_S,))
            feeding.start()
            trial.torment(peer, began)
            feeding.join()
            source.close()
            trial.settled(lambda: len(set(peer.sink.numbers())), len(source.accepted))
            arrived = peer.sink.numbers()
            return Survived(len(source.accepted), len(source.accepted - set(arrived)), len(arrived) - len(set(arrived)))


@contextmanager
def at_work(kind: type[Peer], folder: Path) -> Iterator[Peer]:
    peer = kind(folder)
    try:
        peer.start()
        yield peer
    finally:
        peer.end()
