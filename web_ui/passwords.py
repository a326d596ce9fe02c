"""Passwords: Argon2id, and what makes one too easy. No rules about kinds of letters; length counts (NIST SP 800-63B, ASVS 6.2)."""

from __future__ import annotations

import functools
import threading
import unicodedata

import argon2
from flask_babel import lazy_gettext as _

LEAST_LETTERS = 12
MOST_LETTERS = 128
FEWEST_KINDS = 5  # different letters; `aaaabbbbcccc` is no password
CONTEXT = ("daka", "打卡", "kiosk", "password", "passwort", "admin", "administrator", "attendance", "qwerty", "welcome", "letmein")
RUNS = (
    "0123456789012345",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn",
    "1q2w3e4r5t6y7u8i",
    "9876543210987654",
)

HASHER = argon2.PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=2)  # RFC 9106's second choice, for small memory
_AT_ONCE = threading.Semaphore(2)  # 64 MB each: a crowd at the door must not eat the kiosk's memory


def hashed(password: str) -> str:
    """The Argon2id text of a password."""
    with _AT_ONCE:
        return HASHER.hash(normal(password))


def matches(text: str, password: str) -> bool:
    """Whether this is the password; as slow for a wrong one as for a right one."""
    with _AT_ONCE:
        try:
            return HASHER.verify(text, normal(password))
        except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
            return False


@functools.cache
def nobodys() -> str:
    """A hash that no password fits, for accounts that do not exist: the answer must take as long."""
    return HASHER.hash("\0")


def normal(password: str) -> str:
    """One spelling of what looks the same, so that another keyboard's letters fit."""
    return unicodedata.normalize("NFKC", password)


def shortcoming(password: str, account: str) -> str:
    """Why a new password is not good enough, as a sentence; empty if it is."""
    plain = normal(password).casefold()
    if len(normal(password)) < LEAST_LETTERS:
        return str(_("A password needs at least %(count)s characters; a few unrelated words do well.", count=LEAST_LETTERS))
    if len(password) > MOST_LETTERS:
        return str(_("A password has at most %(count)s characters.", count=MOST_LETTERS))
    if len(set(plain)) < FEWEST_KINDS or _left_over(plain, account.casefold()) < LEAST_LETTERS // 2:
        return str(_("This password is among the first that would be guessed; choose unrelated words."))
    return ""


def _left_over(plain: str, account: str) -> int:
    """How many characters are left without the words and runs that everybody tries."""
    for word in (*CONTEXT, *([account] if len(account) > 2 else [])):
        plain = plain.replace(word, "")
    for run in RUNS:
        for length in range(len(run), 3, -1):
            for start in range(len(run) - length + 1):
                plain = plain.replace(run[start : start + length], "")
    halves = len(plain) // 2
    return halves if halves and plain[:halves] * 2 == plain[: halves * 2] else len(plain)
