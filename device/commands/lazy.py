"""A click group whose commands are imported only when they are called: `daka run uplink` must not load what sees the camera."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """`commands_in`: command name to `module:attribute`."""

    def __init__(self, *arguments: Any, commands_in: Mapping[str, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._commands_in = commands_in

    def list_commands(self, context: click.Context) -> list[str]:
        return [*self._commands_in, *super().list_commands(context)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self._commands_in:
            return super().get_command(context, name)
        module, attribute = self._commands_in[name].split(":")
        found = getattr(importlib.import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found
