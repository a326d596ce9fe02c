"""Every command that a page quotes exists, with each option that it is quoted with."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from device.commands.main import daka
from enterprise.commands.main import daka_enterprise
from firmware_bridge.reference.commands import daka_lock
from tests.house.test_repository import REPOSITORY

PROGRAMS = {"daka": daka, "daka-enterprise": daka_enterprise, "daka-lock": daka_lock}
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
QUOTED = re.compile(r"(?:ExecStart=)?(?:sudo )?(?:/\S+/)?(daka(?:-enterprise|-lock)?) (\S.*)", re.DOTALL)


def quoted(text: str) -> Iterator[str]:
    """Each line of a fenced block, and each span of code in a sentence."""
    for place, part in enumerate(text.split("```")):
        yield from part.splitlines() if place % 2 else (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", part))


def wrong(program: str, words: list[str]) -> str:
    """What there is not of a command; "" if all is there."""
    command: click.Command = PROGRAMS[program]
    context = click.Context(command, info_name=program)
    options = {"-h", "--help", "--version"}
    for word in words:
        options |= {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        if word.startswith("-") and word != "-":
            if re.split(r"[=,;]", word)[0] not in options:
                return word
        elif isinstance(command, click.Group):
            if not re.fullmatch(r"[a-z][a-z-]*", word):
                return ""  # HOW, ..., and the like
            found = command.get_command(context, word)
            if found is None:
                return word
            command, context = found, click.Context(found, context, info_name=word)
    return ""


def found_on(text: str) -> list[tuple[str, list[str]]]:
    commands = (QUOTED.fullmatch(one.strip()) for one in quoted(text))
    return [(found[1], shlex.split(found[2].replace("'", ""))) for found in commands if found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_quoted_command_exists_with_each_of_its_options(page: object) -> None:
    text = (REPOSITORY / str(page)).read_text("utf-8")
    missing = [f"{program} {' '.join(words)}: {no}" for program, words in found_on(text) if (no := wrong(program, words))]
    assert not missing


@pytest.mark.parametrize(
    ("said", "no"),
    [
        ("`daka status`", "status"),
        ("```\nsudo daka update apply --newer FILE\n```", "--newer"),
        ("`daka-enterprise\njoin wait`", "wait"),
        ("ExecStart=", ""),
        ("`daka unlock HOW`, `daka -h`, `daka-lock init LOCK GRANT_KEY TIME_KEY`", ""),
    ],
)
def test_a_command_or_option_that_there_is_not_is_found(said: str, no: str) -> None:
    assert "".join(wrong(program, words) for program, words in found_on(said)) == no
