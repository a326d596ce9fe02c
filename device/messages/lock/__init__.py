"""What the contract lock, the kiosk and the enterprise sign for each other: grants, enrolments, statements, uses, events.

CBOR (RFC 8949, deterministic) in COSE_Sign1 (RFC 9052), Ed25519. Both sides of the wire and the lock itself use these bytes; the
profile stands in docs/contract-lock.md. It computes only: no file, no socket, no clock.
"""

from device.messages.lock.cose import CoseRefused as CoseRefused
from device.messages.lock.cose import Signed as Signed
from device.messages.lock.cose import thumbprint as thumbprint
from device.messages.lock.events import GENESIS as GENESIS
from device.messages.lock.events import Event as Event
from device.messages.lock.events import EventKind as EventKind
from device.messages.lock.events import Head as Head
from device.messages.lock.events import LogBroken as LogBroken
from device.messages.lock.events import follow as follow
from device.messages.lock.events import verify_log as verify_log
from device.messages.lock.fields import ClaimsRefused as ClaimsRefused
from device.messages.lock.papers import MOST_OFFLINE_S as MOST_OFFLINE_S
from device.messages.lock.papers import PERSON as PERSON
from device.messages.lock.papers import Enrolment as Enrolment
from device.messages.lock.papers import Factor as Factor
from device.messages.lock.papers import Grant as Grant
from device.messages.lock.papers import Statement as Statement
from device.messages.lock.papers import Use as Use
from device.messages.lock.papers import factors_text as factors_text
