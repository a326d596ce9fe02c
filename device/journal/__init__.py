"""The journal: every record hashed onto its predecessor, signed, and on the disk before anybody is told.

A record leaves only after the server has signed for it. It is never changed; pictures, templates and names never enter.
"""

from __future__ import annotations

from device.journal.opening import open_journal as open_journal
from device.journal.opening import put_aside as put_aside
from device.journal.reading import stamp as stamp
from device.journal.values import AcknowledgementRefused as AcknowledgementRefused
from device.journal.values import Brief as Brief
from device.journal.values import ChainBroken as ChainBroken
from device.journal.values import Head as Head
from device.journal.values import JournalError as JournalError
from device.journal.values import JournalForked as JournalForked
from device.journal.values import Mention as Mention
from device.journal.values import Receipt as Receipt
from device.journal.values import Stretch as Stretch
from device.journal.values import Times as Times
from device.journal.values import WrongKey as WrongKey
from device.journal.writing import RESERVE_BYTES as RESERVE_BYTES
from device.journal.writing import Journal as Journal
