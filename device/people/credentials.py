"""PINs, badges, QR codes and phones: what a person without a face template clocks in with.

Nothing stands in the file as it is: PIN hashes are Argon2id, sealed under a key of the device's (the pepper), badges and codes are
keyed digests. Wrong PINs make the next one wait; they never lock anybody out for ever.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import math
import secrets
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import argon2
import pyotp
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from device import attend, database, messages
from device.clock import Moment, Quality
from device.messages import pins
from device.people.errors import CodeRefused, PinRefused
from device.sentences import say
from device.templates import TemplateError

FREE_TRIES = 3
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 120.0  # 720 tries a day at most: a million six-digit PINs take years, with the kiosk in sight
FORGOTTEN_AFTER = timedelta(hours=1)
FREE_AT_KIOSK, MOST_AT_KIOSK = 30, 40  # wrong ones for whatever numbers: one plain PIN tried on everybody gets slow, too
WAIT_AT_KIOSK_S = 3.0
FORGIVEN_EVERY_S = 20.0  # one of them: the mistakes of a busy morning never add up, and nonsense is over minutes after it ends
FORGOTTEN_AT_KIOSK = timedelta(minutes=10)
MOST_SUBJECTS = 5_000  # numbers that somebody typed wrongly; the oldest are forgotten beyond
# RFC 9106 section 4, second choice, with half its memory: a kiosk of 1 GB has other work, and one check runs at a time.
HASHER = argon2.PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
MOST_MEMORY_KIB, MOST_PASSES, MOST_LANES = 64 * 1024, 10, 4  # of a hash that the roster brings
NONCE_BYTES = 12
MOST_CODE_LETTERS = 256
PHONE_PREFIX = "DAKA2:"  # rotating: DAKA2:<phone>:<eight digits>
STATIC_PREFIX = "DAKA3:"  # static, made here; an enterprise's own codes may be any text
PHONE_STEP_S, PHONE_DIGITS = 30, 8
DUMMY = "$argon2id$v=19$m=32768,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class Verdict(enum.StrEnum):
    """What came of a PIN or a phone's code."""

    RIGHT = "right"
    WRONG = "wrong"
    WAIT = "wait"
    MUST_CHANGE = "must_change"


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict; `person` only where it is right, `wait_s` how long the next try has to wait, seconds."""

    verdict: Verdict
    person: str = ""
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Phone:
    """What a phone needs to show rotating codes: its id and the secret (base32, RFC 6238 with SHA-256, 30 s, 8 digits)."""

    phone: str
    secret: str


def check_pin_text(pin: str, number: str) -> None:
    """Returns if this may be a PIN of this employee; PinRefused otherwise."""
    why = pins.weakness(pin, number)
    if why is pins.Weakness.DIGITS:
        raise PinRefused(say("pin.digits", least=pins.PIN_DIGITS.start, most=pins.PIN_DIGITS.stop - 1))
    if why is not None:
        raise PinRefused(say(f"pin.{why}"))


def check_hash(pin_hash: str) -> None:
    """Returns if this is an Argon2id hash that this kiosk can afford to check; PinRefused otherwise."""
    try:
        found = argon2.extract_parameters(pin_hash)
    except InvalidHashError as error:
        raise PinRefused("a PIN hash is an Argon2id string, $argon2id$v=19$...; this one is not") from error
    cost = (found.memory_cost <= MOST_MEMORY_KIB, found.time_cost <= MOST_PASSES, found.parallelism <= MOST_LANES)
    if found.type is not argon2.Type.ID or found.version != 19 or not all(cost) or len(pin_hash) > 256:
        raise PinRefused(
            f"a PIN hash is Argon2id, version 19, of at most {MOST_MEMORY_KIB} KiB, {MOST_PASSES} passes and {MOST_LANES} lanes"
        )


def wait_after(failures: float) -> float:
    """Seconds that the next try has to wait after so many wrong ones in a row."""
    if failures < FREE_TRIES:
        return 0.0
    doubled: float = FIRST_WAIT_S * 2.0 ** min(failures - FREE_TRIES, 30.0)
    return min(doubled, LONGEST_WAIT_S)


def wait_at_kiosk(failures: float) -> float:
    """Seconds that the next try waits after so many wrong ones for different numbers; short, since it holds others up."""
    return WAIT_AT_KIOSK_S * min(max(failures - FREE_AT_KIOSK, 0.0) / (MOST_AT_KIOSK - FREE_AT_KIOSK), 1.0)


@dataclass(frozen=True, slots=True)
class _Pace:
    """How tries are slowed: the wait after so many, after what quiet they are forgotten, and how many of them a second are
    forgiven meanwhile; more than `most` are not remembered."""

    wait_after: Callable[[float], float]
    forgotten_after: timedelta
    forgiven_per_s: float = 0.0
    most: float = math.inf

    def left(self, failures: float, passed: timedelta) -> float:
        """What of the failures still counts after that time."""
        if passed >= self.forgotten_after:
            return 0
        return max(failures - self.forgiven_per_s * passed.total_seconds(), 0) if self.forgiven_per_s else failures


FOR_A_NUMBER = _Pace(wait_after, FORGOTTEN_AFTER)
FOR_THE_KIOSK = _Pace(wait_at_kiosk, FORGOTTEN_AT_KIOSK, 1 / FORGIVEN_EVERY_S, MOST_AT_KIOSK)


class Credentials:
    """The tables pin, code, phone and attempt of the people database."""

    def __init__(self, opened: database.Database, wrapping_key: bytes) -> None:
        self._database = opened
        self._pin_key, self._code_key = (_derived(wrapping_key, purpose) for purpose in (b"daka/v1/pin", b"daka/v1/code"))
        self._checking = threading.Lock()  # one Argon2 at a time: its memory is bounded, whoever hammers the socket

    def set_pin(self, person: str, number: str, pin: str, at: datetime, *, must_change: bool) -> None:
        """Keep a PIN; PinRefused for one that is too short or too plain."""
        check_pin_text(pin, number)
        with self._database.transaction() as connection:
            self.keep_pin(connection, person, HASHER.hash(pin), at, must_change=must_change, assigned=b"")

    def keep_pin(
        self, connection: sqlite3.Connection, person: str, pin_hash: str, at: datetime, *, must_change: bool, assigned: bytes
    ) -> None:
        """Within a transaction; `assigned` remembers what a list brought, so that the same list does not undo a change."""
        row = (person, self.seal(pin_hash.encode("ascii"), person), must_change, assigned, messages.write_time(at))
        connection.execute("INSERT OR REPLACE INTO pin VALUES (?, ?, ?, ?, ?)", row)

    def assign_pin(self, connection: sqlite3.Connection, person: str, brought: str, pin_hash: str, at: datetime) -> bool:
        """A PIN that a list brings, to be changed at first use; says whether it is new. The same one again changes nothing."""
        assigned = self.digest("assigned", f"{person}:{brought}")
        row = connection.execute("SELECT assigned FROM pin WHERE person = ?", (person,)).fetchone()
        if row is not None and hmac.compare_digest(bytes(row[0]), assigned):
            return False
        self.keep_pin(connection, person, pin_hash, at, must_change=True, assigned=assigned)
        return True

    def remove_pin(self, person: str) -> int:
        """No PIN of this person's is taken any more."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM pin WHERE person = ?", (person,)).rowcount

    def check_pin(self, number: str, pin: str, moment: Moment) -> Checked:
        """Whose number and PIN these are. The same answer, after the same work, for a number that nobody has."""
        subject, kiosk = self.digest("subject", number), self.digest("kiosk", "")
        with self._checking:
            for tried, pace in ((kiosk, FOR_THE_KIOSK), (subject, FOR_A_NUMBER)):
                if (wait_s := self._begin_try(tried, moment, pace)) > 0:
                    return Checked(Verdict.WAIT, wait_s=wait_s)
            person, pin_hash, must_change = self._pin_of(number)
            if not (_verify(pin_hash, pin) and person):
                return Checked(Verdict.WRONG, wait_s=self._waits(subject))
            self._forget_tries(subject)
            self._take_back(kiosk)
        return Checked(Verdict.MUST_CHANGE if must_change else Verdict.RIGHT, person)

    def change_pin(self, number: str, old: str, new: str, moment: Moment) -> Checked:
        """The person's own change: the old PIN proves who asks. PinRefused for a new one that is not fit."""
        check_pin_text(new, number)
        if new == old:
            raise PinRefused(say("pin.same"))
        checked = self.check_pin(number, old, moment)
        if checked.verdict not in (Verdict.RIGHT, Verdict.MUST_CHANGE):
            return checked
        with self._database.transaction() as connection:
            row = connection.execute("SELECT assigned FROM pin WHERE person = ?", (checked.person,)).fetchone()
            if row is None:  # the office took it away, or erased the person, between the two looks
                return Checked(Verdict.WRONG)
            self.keep_pin(connection, checked.person, HASHER.hash(new), moment.at, must_change=False, assigned=row[0])
        return Checked(Verdict.RIGHT, checked.person)

    def _pin_of(self, number: str) -> tuple[str, str, bool]:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT i.person, i.sealed, i.must_change FROM pin i JOIN person p USING (person) WHERE p.number = ?", (number,)
            ).fetchone()
        if row is None:
            return "", DUMMY, False
        return row[0], self.unseal(row[1], row[0]).decode("ascii"), bool(row[2])

    def _begin_try(self, subject: bytes, moment: Moment, pace: _Pace = FOR_A_NUMBER) -> float:
        """How long to wait, or 0: then the try counts as failed before it is looked at, so that pulling the plug is no free one.

        By the monotonic clock. After a restart of the machine the waiting begins anew: a wrong wall clock shortens nothing and
        makes nobody wait longer than the longest time.
        """
        with self._database.transaction() as connection:
            failures, last = _tries(connection, subject)
            if last is not None and last.boot_id != moment.boot_id:
                _keep_tries(connection, subject, failures, moment)
                last = moment
            passed = attend.elapsed(last, moment) if last is not None else pace.forgotten_after
            left = pace.left(failures, passed)
            if (wait_s := pace.wait_after(left) - passed.total_seconds()) > 0:
                return wait_s
            _keep_tries(connection, subject, min(left + 1, pace.most), moment)
        return 0.0

    def _waits(self, subject: bytes) -> float:
        with self._database.reading() as connection:
            return wait_after(_tries(connection, subject)[0])

    def _forget_tries(self, subject: bytes) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM attempt WHERE subject = ?", (subject,))

    def _take_back(self, subject: bytes) -> None:
        """The latest try was none of the wrong ones."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE attempt SET failures = max(failures - 1, 0) WHERE subject = ?", (subject,))

    def forgive(self, number: str) -> None:
        """Somebody established who they are in another way: wrong PINs that others typed for their number count no longer."""
        subject = self.digest("subject", number)
        with self._database.reading() as connection:
            known = connection.execute("SELECT 1 FROM attempt WHERE subject = ?", (subject,)).fetchone()
        if known:
            self._forget_tries(subject)

    def add_code(self, person: str, kind: str, text: str, at: datetime) -> None:
        """Give a badge or QR code to a person; CodeRefused if it is somebody else's."""
        with self._database.transaction() as connection:
            self.keep_code(connection, person, kind, text, at)

    def keep_code(self, connection: sqlite3.Connection, person: str, kind: str, text: str, at: datetime) -> None:
        """The same within a transaction."""
        self.check_free(kind, text, person)
        row = (self.digest(kind, text), person, kind, messages.write_time(at))
        connection.execute("INSERT OR IGNORE INTO code VALUES (?, ?, ?, ?)", row)

    def check_free(self, kind: str, text: str, person: str) -> None:
        """Returns if this badge or code may be this person's; CodeRefused otherwise."""
        check_code_text(text)
        if self.whose(kind, text) not in ("", person):
            raise CodeRefused(say(f"code.{kind}"))

    def remove_codes(self, person: str, kind: str) -> int:
        """Take a person's badges or QR codes away; says how many there were."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM code WHERE person = ? AND kind = ?", (person, kind)).rowcount

    def whose(self, kind: str, text: str) -> str:
        """The person with this badge or static QR code; empty for nobody's."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT person FROM code WHERE digest = ?", (self.digest(kind, text),)).fetchone()
        return row[0] if row else ""

    def new_static_code(self, person: str, at: datetime) -> str:
        """A QR code to print for a person, in place of earlier ones; its text is kept nowhere."""
        text = STATIC_PREFIX + base64.b32encode(secrets.token_bytes(15)).decode("ascii")
        self.remove_codes(person, "qr")
        self.add_code(person, "qr", text, at)
        return text

    def new_phone(self, person: str, at: datetime) -> Phone:
        """The secret of a phone that shows rotating codes, in place of an earlier phone's."""
        phone, secret = secrets.token_hex(8), pyotp.random_base32(32)
        row = (phone, person, self.seal(secret.encode("ascii"), person), 0, messages.write_time(at))
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM phone WHERE person = ?", (person,))
            connection.execute("INSERT INTO phone VALUES (?, ?, ?, ?, ?)", row)
        return Phone(phone, secret)

    def remove_phone(self, person: str) -> int:
        """The phone's codes are nobody's any more."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM phone WHERE person = ?", (person,)).rowcount

    def check_phone(self, text: str, moment: Moment) -> Checked:
        """Whose phone shows this code now. Each code counts once; one step early or late is the phone's clock."""
        phone, _, code = text.removeprefix(PHONE_PREFIX).partition(":")
        subject = self.digest("phone", phone)
        if (wait_s := self._begin_try(subject, moment)) > 0:
            return Checked(Verdict.WAIT, wait_s=wait_s)
        with self._database.transaction() as connection:
            row = connection.execute("SELECT person, sealed, last_step FROM phone WHERE phone = ?", (phone,)).fetchone()
            step = self._step_of(row, code, moment) if row else None
            if row is None or step is None:
                return Checked(Verdict.WRONG)
            connection.execute("UPDATE phone SET last_step = ? WHERE phone = ?", (step, phone))
        self._forget_tries(subject)
        return Checked(Verdict.RIGHT, row[0])

    def _step_of(self, row: tuple[str, bytes, int], code: str, moment: Moment) -> int | None:
        person, sealed, last_step = row
        totp = rotating(self.unseal(sealed, person).decode("ascii"))
        now = totp.timecode(moment.at)
        steps = [step for step in (now - 1, now, now + 1) if step > last_step]
        return next((step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode("utf-8"))), None)

    def digest(self, kind: str, text: str) -> bytes:
        """What stands in the file for a badge, a code or a number: nobody without the device's key can try texts out."""
        return hmac.digest(self._code_key, f"{kind}\0{text}".encode("utf-8", "surrogatepass"), "sha256")

    def seal(self, plain: bytes, person: str) -> bytes:
        """Under the device's key, and for that person's row alone."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._pin_key).encrypt(nonce, plain, person.encode("ascii"))

    def unseal(self, sealed: bytes, person: str) -> bytes:
        """TemplateError where it was sealed by another device, or for somebody else."""
        try:
            return AESGCM(self._pin_key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], person.encode("ascii"))
        except (InvalidTag, ValueError) as error:
            raise TemplateError(say("template.pin")) from error


def rotating(secret: str) -> pyotp.TOTP:
    """The codes of one phone: RFC 6238 with SHA-256, a new one every 30 s."""
    return pyotp.TOTP(secret, digits=PHONE_DIGITS, digest=hashlib.sha256, interval=PHONE_STEP_S)


def phone_text(phone: str, code: str) -> str:
    """What the phone shows as a QR code."""
    return f"{PHONE_PREFIX}{phone}:{code}"


def check_code_text(text: str) -> None:
    """Returns if this can be a badge's or a QR code's text; CodeRefused otherwise."""
    if not 4 <= len(text) <= MOST_CODE_LETTERS or not text.isprintable():
        raise CodeRefused(say("code.letters", most=MOST_CODE_LETTERS))
    if text.startswith(("DAKA1:", PHONE_PREFIX)):
        raise CodeRefused(say("code.secret"))


def _verify(pin_hash: str, pin: str) -> bool:
    try:
        return HASHER.verify(pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return False


def _tries(connection: sqlite3.Connection, subject: bytes) -> tuple[float, Moment | None]:
    row = connection.execute("SELECT failures, at, boot_id, monotonic_us FROM attempt WHERE subject = ?", (subject,)).fetchone()
    if row is None:
        return 0, None
    return row[0], Moment(messages.read_time(row[1]), row[3], row[2], Quality.UNSYNCED)


def _keep_tries(connection: sqlite3.Connection, subject: bytes, failures: float, moment: Moment) -> None:
    row = (subject, failures, messages.write_time(moment.at), moment.boot_id, moment.monotonic_us)
    connection.execute("INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?, ?)", row)
    old = "SELECT subject FROM attempt ORDER BY at DESC LIMIT -1 OFFSET ?"
    connection.execute(f"DELETE FROM attempt WHERE subject IN ({old})", (MOST_SUBJECTS,))


def _derived(wrapping_key: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, purpose).derive(wrapping_key)
