"""What every command knows: the state folder, its configuration, and where the weights lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import platformdirs

from device import state

if TYPE_CHECKING:
    from device import carrying, config


@dataclass(frozen=True, slots=True)
class Context:
    """The state folder that this call of `daka` is about."""

    folder: state.Folder

    def config(self) -> config.Config:
        """The configuration in the state folder; the code that reads it is loaded only now: the lock's bridge does without."""
        from device import config

        return config.read(self.folder.config, self.folder.layer, self.folder.enterprise)

    def carrying(self) -> carrying.Carrying:
        """What the uplink needs of the configuration. Raises CarryingError."""
        from device import carrying

        return carrying.read(self.folder.config, self.folder.layer, self.folder.enterprise)

    def weights(self) -> Path:
        """The folder that `daka models fetch` fills."""
        named = self.config().models.directory
        return Path(named) if named else default_weights()


def default_weights() -> Path:
    """The user's cache folder: whatever lies there can be fetched again."""
    return platformdirs.user_cache_path("daka") / "weights"


pass_context = click.make_pass_decorator(Context)
