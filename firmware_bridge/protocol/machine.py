"""The lock's states as a table. What does not stand in it does not happen: the lock refuses it and stays where it is."""

from __future__ import annotations

import enum


class State(enum.StrEnum):
    """Where the lock is."""

    ALONE = "alone"  # nobody is connected
    LINKED = "linked"  # somebody is connected, and has proven nothing
    GREETED = "greeted"  # keys are exchanged, the kiosk has proven nothing yet
    OPEN = "open"  # a session with an enrolled kiosk
    ARMED = "armed"  # waiting for one press
    MOVING = "moving"  # counted; the barrel moves
    MOVING_ALONE = "moving_alone"  # the same, and the link was lost


class Happening(enum.StrEnum):
    """What can happen to it."""

    LINK = "link"
    LINK_LOST = "link_lost"
    HELLO = "hello"
    FINISH = "finish"
    BROKEN = "broken"  # something that the session's rules do not allow
    ARM = "arm"
    PRESS = "press"
    END = "end"
    TIME_UP = "time_up"
    MOVED = "moved"


S, H = State, Happening
NEXT: dict[tuple[State, Happening], State] = {
    (S.ALONE, H.LINK): S.LINKED,
    (S.LINKED, H.HELLO): S.GREETED,
    (S.GREETED, H.FINISH): S.OPEN,
    (S.LINKED, H.BROKEN): S.LINKED,
    (S.GREETED, H.BROKEN): S.LINKED,
    (S.OPEN, H.BROKEN): S.LINKED,
    (S.ARMED, H.BROKEN): S.LINKED,
    (S.OPEN, H.ARM): S.ARMED,
    (S.ARMED, H.PRESS): S.MOVING,
    (S.ARMED, H.END): S.OPEN,
    (S.ARMED, H.TIME_UP): S.OPEN,
    (S.MOVING, H.MOVED): S.OPEN,
    (S.MOVING, H.BROKEN): S.MOVING_ALONE,
    (S.MOVING, H.LINK_LOST): S.MOVING_ALONE,
    (S.MOVING_ALONE, H.LINK_LOST): S.MOVING_ALONE,
    (S.MOVING_ALONE, H.MOVED): S.ALONE,
    (S.LINKED, H.LINK_LOST): S.ALONE,
    (S.GREETED, H.LINK_LOST): S.ALONE,
    (S.OPEN, H.LINK_LOST): S.ALONE,
    (S.ARMED, H.LINK_LOST): S.ALONE,
}


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = [f"    {before} --> {after}: {happening}" for (before, happening), after in NEXT.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> alone", *lines])
