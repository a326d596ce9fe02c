"""What becomes of a message from a kiosk: stored once its chain and signature hold, signed for once it is committed.

The rules, for a device that `daka-enterprise trust` has vouched for (anybody else: alarm `untrusted`, nothing stored, no answer):

* Of a device of which more waits than a kiosk ever sends, the last message alone is read (`flooding`); see `turns`.
* A batch that is no batch (`malformed`), or whose chain or signature does not hold (`bad_signature`), stores nothing and gets no
  answer: it may be anybody's. An epoch belongs to one key from its genesis record on (`wrong_genesis`).
* What is stored already is compared by hash. Equal: a duplicate, counted. Different, or a batch that does not continue the stored
  head: a `fork`. Then nothing of the batch is stored, and the answer repeats what was signed for before.
* A batch that begins beyond the next record leaves a hole. It is not stored, for the chain before it is unknown; the answer repeats
  what is signed for, and the kiosk sends from there. Holes are normal while messages are under way, so there is no alarm.
* Only a kiosk's signed hello can make a hole final: it names the first record that it still keeps. What lies before that and was
  never here is declared a `gap`, named for ever in a table and by `verify`, and records are accepted from its end on. What turns up
  later after all is taken into its place if both neighbours fit.
* A record that this server cannot use (unknown kind, refused by the schema, too large) is parked with its exact bytes and the
  reason. It keeps its place in the chain and is signed for.
* A hello that stands behind what was signed for means that the journal's tail was cut (`tail_cut`); one that names another hash for
  a record that is here, a `fork`; one that knows of more than this server has signed for, a database put back from a backup
  (`rewound`; the kiosk sends those records again). A second journal of a known kiosk is a `new_epoch`, for a person to look at.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device import messages
from device.messages import Purpose
from enterprise import locks, names, states
from enterprise.outcome import NO_EPOCH, Arrival, Kind, Outcome, Pressure, Refusal, Said, Signed, Verdict
from enterprise.settle import Case
from enterprise.store import Store, StoreRefused, StoreStuck, Transaction

Judged = Signed | Said | Refusal
CALM = Pressure()
FLOOD = "more of its messages waited at once than any kiosk sends; all but the last were dropped unread"
KEYS_KEPT = 4_096  # parsed public keys; one for each kiosk that speaks


class Ingester:
    """Messages in, committed rows and signed acknowledgements out. Knows no broker; for one thread."""

    def __init__(self, store: Store, key: Ed25519PrivateKey, now: Callable[[], datetime]) -> None:
        self._store, self._key, self._now = store, key, now

    def take(self, device: str, payload: bytes, encoding: str = "") -> Outcome:
        """One batch of records."""
        return self.take_all([Arrival(Kind.RECORDS, device, payload, encoding)])[0]

    def greet(self, device: str, payload: bytes, encoding: str = "") -> Outcome:
        """One hello."""
        return self.take_all([Arrival(Kind.HELLO, device, payload, encoding)])[0]

    def take_all(self, arrivals: Sequence[Arrival], pressure: Pressure = CALM, flooding: Iterable[str] = ()) -> list[Outcome]:
        """Many messages in one commit, each device's in the order given; the answers ask for what `pressure` says.

        After their outcomes stand those of the devices `flooding`, each with an alarm about what was dropped unread.
        StoreAway: nothing of them was stored, try again.
        """
        judged = self._judged(arrivals)
        judged += [Refusal(names.shown(device), Verdict.FLOODING, FLOOD) for device in flooding]
        try:
            return self._commit(judged, pressure)
        except StoreRefused:
            return [self._commit_alone(one, pressure) for one in judged]

    def take_alone(self, arrival: Arrival, pressure: Pressure = CALM) -> Outcome:
        """One message that the database does not get done: where it takes the alarm about that, the message is given up.

        Its kiosk keeps it and sends it again. StoreAway: the database takes nothing at all.
        """
        (judged,) = self._judged([arrival])
        try:
            return self._commit_alone(judged, pressure)
        except StoreStuck as error:
            return self._commit([Refusal(judged.device, Verdict.UNSTORABLE, str(error))], pressure)[0]

    def give_up(self, device: str, error: Exception) -> None:
        """An alarm about a message with which something happened that nobody has thought of; its kiosk keeps it."""
        said = f"{type(error).__name__}; the ingester's log says where"
        self._commit([Refusal(names.shown(device), Verdict.UNFORESEEN, said)], CALM)

    def _judged(self, arrivals: Sequence[Arrival]) -> list[Judged]:
        trusted = self._store.trusted_keys(arrival.device for arrival in arrivals if names.is_device(arrival.device))
        return [_judge(arrival, trusted.get(arrival.device)) for arrival in arrivals]

    def word_to_lock(self, store: Store, device: str, payload: bytes) -> bytes | None:
        """The server's word to a lock that is in session with a trusted kiosk, or None."""
        if not store.trusted_keys([device] if names.is_device(device) else []):
            return None
        return locks.answer(store, self._key, device, payload, self._now())

    def _commit(self, judged: Sequence[Judged], pressure: Pressure) -> list[Outcome]:
        """Locks are taken in the order of the devices' names, so that two workers never wait for each other."""
        outcomes: dict[int, Outcome] = {}
        now = self._now()
        with self._store.transaction() as transaction:
            for place in sorted(range(len(judged)), key=lambda place: judged[place].device):
                outcomes[place] = self._settle(transaction, judged[place], now, pressure)
        return [outcomes[place] for place in range(len(judged))]

    def _commit_alone(self, judged: Judged, pressure: Pressure) -> Outcome:
        try:
            return self._commit([judged], pressure)[0]
        except StoreRefused as error:
            return self._commit([Refusal(judged.device, Verdict.UNSTORABLE, str(error))], pressure)[0]

    def _settle(self, transaction: Transaction, judged: Judged, now: datetime, pressure: Pressure) -> Outcome:
        if isinstance(judged, Said):
            states.remember(transaction, judged, now)
            return Outcome(Verdict.HEARD, judged.device)
        if isinstance(judged, Refusal):
            transaction.alarm(judged.device, NO_EPOCH, judged.verdict, 0, judged.detail, now)
            return Outcome(judged.verdict, judged.device, detail=judged.detail)
        state = transaction.lock_epoch(judged.device, judged.content.epoch, judged.key, now)
        return Case(transaction, state, now, self._key, pressure).settle(judged)


def _judge(arrival: Arrival, trusted: str | None) -> Judged:
    """All that can be said without a transaction: whose it is, and whether chain and signature hold."""
    device = arrival.device
    if trusted is None:
        return Refusal(names.shown(device), Verdict.UNTRUSTED, "no key is trusted for it: daka-enterprise trust DEVICE KEY")
    try:
        payload = messages.decompress(arrival.payload, arrival.encoding)
        if arrival.kind is Kind.STATE:
            return Said(device, states.read(payload, device))
        read = _read_hello if arrival.kind is Kind.HELLO else _read_batch
        return Signed(device, trusted, read(payload, device, _public_key(trusted)))
    except messages.SignatureRefused as error:
        return Refusal(device, Verdict.BAD_SIGNATURE, str(error))
    except messages.MessageError as error:
        return Refusal(device, Verdict.MALFORMED, str(error))


@functools.lru_cache(maxsize=KEYS_KEPT)
def _public_key(text: str) -> Ed25519PublicKey:
    return messages.public_key_from_text(text)


def _read_batch(payload: bytes, device: str, key: Ed25519PublicKey) -> messages.Batch:
    batch = messages.read_batch(payload, device)
    messages.verify_batch(batch, key)
    return batch


def _read_hello(payload: bytes, device: str, key: Ed25519PublicKey) -> messages.Hello:
    data = messages.open_envelope(payload, "hello", device)
    messages.verify_signed(data, key, Purpose.HELLO, device)
    hello = messages.read_message(data, messages.Hello)
    if hello.first_kept > hello.last:
        raise messages.SchemaRefused("hello: first_kept lies behind last")
    return hello
