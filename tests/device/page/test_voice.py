"""The kiosk's own voice: the page's sentences and nothing else."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from device import checks, config, state
from device.page import voice, words

# A sound of four samples, with the lengths that espeak-ng writes into a pipe.
SOUND = b"RIFF\x24\xf0\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0\x22\x56\0\0\x44\xac\0\0\x02\0\x10\0data\0\xf0\xff\x7f" + bytes(
    range(8)
)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A speech engine that writes down what it was asked for, in place of the one that this machine may have."""
    program, sound = tmp_path / "espeak-ng", tmp_path / "sound"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/asked\ncat {sound}\n')
    program.chmod(0o755)
    sound.write_bytes(SOUND)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return lambda: (tmp_path / "asked").read_text("utf-8").splitlines() if (tmp_path / "asked").exists() else []


def test_a_sentence_of_the_page_is_made_into_a_sound_in_its_language(asked: Callable[[], list[str]]) -> None:
    with wave.open(io.BytesIO(voice.Voice().said("done.in", "zh-CN", {}))) as sound:
        assert (sound.getnframes(), sound.readframes(9)) == (4, bytes(range(8))), "its lengths are its own"
    assert asked() == ["-v", "cmn-latn-pinyin", "--stdout", "--", words.catalogue("zh-CN")["done.in"]]


def test_numbers_are_filled_in(asked: Callable[[], list[str]]) -> None:
    assert voice.Voice().said("seal.done", "en", {"used": "1", "all": "3"})
    assert asked()[-1] == "Stamped: 1 of 3"
    assert voice.Voice().said("why.wait", "zh-CN", {"seconds": "12"})
    assert "12" in asked()[-1]


@pytest.mark.parametrize(
    ("word", "values"),
    [("", {}), ("nonsense", {}), ("-v", {}), ("why.wait", {}), ("why.wait", {"seconds": "Ada"}), ("receipt", {"seq": "1234567"})],
)
def test_what_is_no_sentence_of_the_page_or_has_gaps_is_not_spoken(
    asked: Callable[[], list[str]], word: str, values: dict[str, str]
) -> None:
    assert voice.Voice().said(word, "en", values) == b""
    assert asked() == []


def test_a_language_without_a_voice_and_a_kiosk_without_an_engine_are_silent(asked: Callable[[], list[str]]) -> None:
    assert voice.Voice().said("done.in", "tlh", {}) == b""
    silent = voice.Voice(lambda name: None)
    assert not silent.is_there
    assert silent.said("done.in", "en", {}) == b""


def test_an_engine_that_fails_is_a_line_in_the_log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert voice.Voice(lambda name: name).said("done.in", "en", {}) == b""
    assert "does not speak" in caplog.text


def test_the_doctor_says_whether_the_page_can_be_heard_and_what_to_install(
    asked: Callable[[], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doctor(folder: state.Folder, **page: object) -> list[str]:
        return [one.remedy.partition(" ")[0] for one in checks.sound(config.parse({"page": page}), folder, tmp_path / "snd")]

    laptop, appliance = state.Folder(tmp_path), state.Folder(tmp_path, layer=tmp_path / "settings.toml")
    assert doctor(laptop) == ["plug", ""]
    (tmp_path / "snd").mkdir()
    (tmp_path / "snd/pcmC0D0p").touch()
    assert doctor(laptop) == ["", ""]
    assert doctor(appliance) == ["udevadm", ""], "the card is not the display's"
    monkeypatch.setattr(checks, "SOUND_GROUP", (tmp_path / "snd/pcmC0D0p").group())
    monkeypatch.setattr(checks, "ALSACTL", tmp_path / "none")
    assert doctor(appliance) == ["apt", ""]
    monkeypatch.setenv("PATH", "/nowhere")
    assert doctor(laptop) == ["", "apt"]
    assert doctor(laptop, speech="off") == [""]
    assert doctor(laptop, port=0) == []
