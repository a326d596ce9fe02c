"""The kiosk's own voice: the page's sentences and nothing else."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from device.page import voice, words


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A speech engine that writes down what it was asked for, in place of the one that this machine may have."""
    program = tmp_path / "espeak-ng"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/said.part && mv {tmp_path}/said.part {tmp_path}/said\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def read() -> list[str]:
        for _ in range(200):
            if (tmp_path / "said").exists():
                return (tmp_path / "said").read_text("utf-8").splitlines()
            threading.Event().wait(0.05)
        return []

    return read


def only(name: str) -> Callable[[str], str | None]:
    return lambda asked: shutil.which(asked) if asked == name else None


def test_a_sentence_of_the_page_is_spoken_in_its_language(said: Callable[[], list[str]]) -> None:
    assert voice.Voice(only("espeak-ng")).say("done.in", "zh-CN")
    assert said() == ["-v", "cmn", "--", words.catalogue("zh-CN")["done.in"]]


@pytest.mark.parametrize("word", ["", "nonsense", "-v", "receipt", "why.wait"])
def test_what_is_no_sentence_of_the_page_or_has_gaps_is_not_spoken(said: Callable[[], list[str]], word: str) -> None:
    assert not voice.Voice(only("espeak-ng")).say(word, "en")


def test_a_language_without_a_voice_and_a_kiosk_without_an_engine_are_silent(said: Callable[[], list[str]]) -> None:
    assert not voice.Voice(only("espeak-ng")).say("done.in", "tlh")
    silent = voice.Voice(lambda name: None)
    assert not silent.is_there
    assert not silent.say("done.in", "en")


def test_speech_dispatcher_comes_first_where_both_are_installed() -> None:
    assert voice.Voice(lambda name: f"/usr/bin/{name}")._program == "spd-say"


def test_an_engine_that_fails_is_a_line_in_the_log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = voice.Voice(lambda name: "x" if name == "espeak-ng" else None)
    found._speak("en", "hello")
    assert "does not speak" in caplog.text
