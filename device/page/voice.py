"""The kiosk's own voice, for browsers that have none: speech-dispatcher or espeak-ng, where one of them is installed.

Says only sentences of the page's own, never a name and never a text that came from anywhere.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping

from device.page import words

log = logging.getLogger(__name__)

LONGEST_S = 15.0
VOICES = {"zh-CN": "cmn", "zh-TW": "cmn", "en": "en"}  # espeak-ng's names, which speech-dispatcher takes for languages, too
PROGRAMS: Mapping[str, Callable[[str, str], tuple[str, ...]]] = {
    "spd-say": lambda voice, sentence: ("spd-say", "--wait", "--language", voice, "--", sentence),
    "espeak-ng": lambda voice, sentence: ("espeak-ng", "-v", voice, "--", sentence),
}


class Voice:
    """Says one sentence at a time; what comes while it speaks is not said, since it is on the screen anyway."""

    def __init__(self, find: Callable[[str], str | None] = shutil.which) -> None:
        self._program = next((name for name in PROGRAMS if find(name)), "")
        self._speaking = threading.Lock()

    @property
    def is_there(self) -> bool:
        """Whether a speech engine is installed."""
        return bool(self._program)

    def say(self, name: str, language: str) -> bool:
        """Whether there is such a sentence and a voice for it; it is spoken while this returns."""
        if not self._program or language not in VOICES or "{" in words.ENGLISH.get(name, "{"):
            return False
        sentence = words.catalogue(language)[name]
        threading.Thread(target=self._speak, args=(VOICES[language], sentence), name="voice", daemon=True).start()
        return True

    def _speak(self, voice: str, sentence: str) -> None:
        if not self._speaking.acquire(blocking=False):
            return
        try:
            command = PROGRAMS[self._program](voice, sentence)
            subprocess.run(command, check=False, timeout=LONGEST_S, stdin=subprocess.DEVNULL, capture_output=True)
        except (OSError, subprocess.TimeoutExpired) as error:
            log.warning("%s does not speak: %s", self._program, error)
        finally:
            self._speaking.release()
