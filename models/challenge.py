"""The active challenge: blink, turn the head, smile, open the mouth, in an order that nobody knows before, each within its time.

Pure: looks in, a state out; the caller brings time and chance. A still picture does none of it; a recording does it at the wrong
time or in the wrong order. What it cannot tell is said in the model card: a puppet that follows the prompts, and injected video.
"""

from __future__ import annotations

import enum
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from models.landmarks import Mesh


class Action(enum.StrEnum):
    """What may be asked for; left and right are the person's own."""

    BLINK = "blink"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    SMILE = "smile"
    OPEN_MOUTH = "open_mouth"


TURNS = (Action.TURN_LEFT, Action.TURN_RIGHT)


class Phase(enum.StrEnum):
    """Settling: the face at rest is measured. Resting: nothing is asked yet. Acting: something is. Returning: back to rest."""

    SETTLING = "settling"
    RESTING = "resting"
    ACTING = "acting"
    RETURNING = "returning"
    PASSED = "passed"
    FAILED = "failed"


class Why(enum.StrEnum):
    """Why it failed."""

    TOO_LATE = "too_late"
    WRONG = "wrong"  # something else was done, or something before it was asked for
    LOST = "lost"  # the face was not followed for a moment: somebody else may stand there now
    JUMPED = "jumped"  # faster than a head turns: another picture was put in its place


@dataclass(frozen=True, slots=True)
class Look:
    """One mesh in numbers: seconds of any one clock; degrees to the person's own left; 0 to 1, `shut` that of the opener eye."""

    at_s: float
    turn_deg: float
    shut: float
    smile: float
    open: float

    @staticmethod
    def of(mesh: Mesh, at_s: float) -> Look:
        """Of one mesh."""
        shut = min(mesh.shape("eye_blink_left"), mesh.shape("eye_blink_right"))
        smile = (mesh.shape("mouth_smile_left") + mesh.shape("mouth_smile_right")) / 2
        return Look(at_s, mesh.pose.turn_deg, shut, smile, mesh.shape("jaw_open"))


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds. An action counts from `full` of its way on, and is over below `rest` of it.

    Ways: `turn_deg` degrees, and of blendshapes 1 less the face at rest. Nobody answers sooner than `reaction_s` after the prompt;
    `shut_s` is longer than an eye that blinks by itself stays shut. `last_gap_s`: how long nothing may be seen of the face between
    the last action and the last look at whose face it is, where frames come fast; `paced` allows for a slow camera.
    """

    steps: int = 4
    settle_within_s: float = 5.0
    settled_s: float = 0.4
    least_pause_s: float = 0.3
    most_pause_s: float = 2.2
    reaction_s: float = 0.2
    answer_within_s: float = 3.0
    return_within_s: float = 4.0
    most_gap_s: float = 0.6
    last_gap_s: float = 0.3
    shut_s: float = 0.1
    turn_deg: float = 20.0
    full: float = 0.5
    rest: float = 0.3
    jump_deg: float = 40.0
    jump_within_s: float = 0.15
    tries: int = 2

    def paced(self, frame_s: float, held_up_s: float) -> Limits:
        """For frames that come every `frame_s`, and were held up by `held_up_s` of our own work since the face was last followed.

        At the end one mesh may be missed however slow the camera is, but the face is never away longer than it may be before.
        """
        last_gap_s = min(max(self.last_gap_s, GAP_FRAMES * frame_s), self.most_gap_s)
        return replace(self, most_gap_s=self.most_gap_s + held_up_s, last_gap_s=last_gap_s + held_up_s)


@dataclass(frozen=True, slots=True)
class State:
    """One challenge. `plan`: what is asked, in order; `step` the number done; `until_s` when the phase must have ended."""

    phase: Phase
    until_s: float
    plan: tuple[Action, ...] = ()
    step: int = 0
    ask_at_s: float = 0.0
    still: Look | None = None
    last: Look | None = None
    seen: tuple[Look, ...] = ()  # while settling, and those that show the action while acting
    tries: int = 1
    why: Why | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has passed or failed."""
        return self.phase in (Phase.PASSED, Phase.FAILED)

    @property
    def is_last_stretch(self) -> bool:
        """Whether all that was asked has been done, and the face is to be compared for the last time."""
        return self.phase is Phase.PASSED or (self.phase is Phase.RETURNING and self.step + 1 == len(self.plan))

    @property
    def asked(self) -> str:
        """What the person should do now: an action, or `forward`; empty when it is over."""
        if self.is_over:
            return ""
        return self.plan[self.step].value if self.phase is Phase.ACTING else FORWARD


FORWARD = "forward"  # look straight ahead, at rest
GAP_FRAMES = 2.5  # one missed mesh is two frames without a look, which do not come quite evenly


def begin(at_s: float, limits: Limits) -> State:
    """A challenge that begins now."""
    return State(Phase.SETTLING, at_s + limits.settle_within_s)


def advance(state: State, look: Look, limits: Limits, chance: random.Random) -> State:
    """After one more look. The plan is drawn once the face at rest is known: nobody is asked to smile who smiles already."""
    if state.is_over:
        return state
    state = follow(state, look, limits)
    if state.is_over:
        return state
    if look.at_s > state.until_s and state.phase is not Phase.RESTING:
        return _again(state, look, limits)
    return PHASES[state.phase](state, look, limits, chance)


def follow(state: State, look: Look, limits: Limits) -> State:
    """Whether it can be the same face still; also once it is passed, until the face was compared for the last time."""
    if state.phase is Phase.FAILED:
        return state
    if state.last is not None and (broken := _broken(state, state.last, look, limits)):
        return fail(state, broken)
    return replace(state, last=look)


def shows(state: State, limits: Limits) -> bool:
    """Whether the newest look does what is asked, or does it still: whoever's face that is, is the one who acts."""
    if state.last is None or state.phase not in (Phase.ACTING, Phase.RETURNING):
        return False
    return state.plan[state.step] in _done(state, state.last, limits)


def lapse(state: State, at_s: float, limits: Limits) -> State:
    """A moment without a look: lost when it lasts too long."""
    if state.phase is Phase.FAILED:
        return state
    if state.last is None:
        return fail(state, Why.TOO_LATE) if at_s > state.until_s else state
    return fail(state, Why.LOST) if at_s - state.last.at_s > _most_gap_s(state, limits) else state


def _settling(state: State, look: Look, limits: Limits, chance: random.Random) -> State:
    if abs(look.turn_deg) > limits.turn_deg or look.shut > limits.full:
        return replace(state, seen=())
    seen = (*state.seen, look)
    if seen[-1].at_s - seen[0].at_s < limits.settled_s or len(seen) < 3:
        return replace(state, seen=seen)
    still = _middle(seen)
    plan = draw(still, limits, chance)
    return _rest(replace(state, plan=plan, still=still, seen=()), look, limits, chance)


def _resting(state: State, look: Look, limits: Limits, chance: random.Random) -> State:
    done = _done(state, look, limits)
    if done - {Action.BLINK}:  # eyes blink by themselves
        return fail(state, Why.WRONG)
    if look.at_s < state.ask_at_s:
        return state
    return replace(state, phase=Phase.ACTING, until_s=look.at_s + limits.answer_within_s, ask_at_s=look.at_s, seen=())


def _acting(state: State, look: Look, limits: Limits, chance: random.Random) -> State:
    action, done = state.plan[state.step], _done(state, look, limits)
    if done - ALLOWED[action]:
        return fail(state, Why.WRONG)
    if action not in done:
        return replace(state, seen=())
    if look.at_s - state.ask_at_s < limits.reaction_s:
        return state if action is Action.BLINK else fail(state, Why.WRONG)
    seen = (*state.seen, look)
    held_s = limits.shut_s if action is Action.BLINK else 0.0
    if len(seen) < 2 or seen[-1].at_s - seen[0].at_s < held_s:
        return replace(state, seen=seen)
    return replace(state, phase=Phase.RETURNING, until_s=look.at_s + limits.return_within_s, seen=())


def _returning(state: State, look: Look, limits: Limits, chance: random.Random) -> State:
    if any(way > limits.rest for way in _ways(state, look, limits).values()):
        return state
    if state.step + 1 == len(state.plan):
        return replace(state, phase=Phase.PASSED)
    return _rest(replace(state, step=state.step + 1), look, limits, chance)


PHASES: dict[Phase, Callable[[State, Look, Limits, random.Random], State]] = {
    Phase.SETTLING: _settling,
    Phase.RESTING: _resting,
    Phase.ACTING: _acting,
    Phase.RETURNING: _returning,
}
# What may be seen beside an action without being wrong: eyes blink by themselves, and smile and open mouth come together
ALLOWED = {
    Action.BLINK: {Action.BLINK},
    Action.TURN_LEFT: {Action.TURN_LEFT, Action.BLINK},
    Action.TURN_RIGHT: {Action.TURN_RIGHT, Action.BLINK},
    Action.SMILE: {Action.SMILE, Action.OPEN_MOUTH, Action.BLINK},
    Action.OPEN_MOUTH: {Action.OPEN_MOUTH, Action.SMILE, Action.BLINK},
}


def draw(still: Look, limits: Limits, chance: random.Random) -> tuple[Action, ...]:
    """A plan for a face that looks like `still` at rest, each as likely as any other: at least one turn and one that no turn is.

    What the face does already at rest is not asked for, but for the blink; an action may come twice.
    """
    room = {Action.SMILE: still.smile, Action.OPEN_MOUTH: still.open}
    possible = [action for action in Action if room.get(action, 0.0) < limits.full]
    while True:
        plan = tuple(chance.choice(possible) for _ in range(limits.steps))
        if 0 < sum(action in TURNS for action in plan) < len(plan):
            return plan


def _most_gap_s(state: State, limits: Limits) -> float:
    return limits.last_gap_s if state.is_last_stretch else limits.most_gap_s


def _broken(state: State, last: Look, look: Look, limits: Limits) -> Why | None:
    """Whether one face can have gone from one look to the next."""
    passed = look.at_s - last.at_s
    if passed > _most_gap_s(state, limits):
        return Why.LOST
    jumped = abs(look.turn_deg - last.turn_deg) > limits.jump_deg and passed < limits.jump_within_s
    return Why.JUMPED if jumped else None


def _rest(state: State, look: Look, limits: Limits, chance: random.Random) -> State:
    """Nothing is asked for a while whose length nobody knows."""
    ask_at_s = look.at_s + chance.uniform(limits.least_pause_s, limits.most_pause_s)
    return replace(state, phase=Phase.RESTING, ask_at_s=ask_at_s, seen=())


def _again(state: State, look: Look, limits: Limits) -> State:
    """Whoever was too slow begins again, with another plan; failed after the last try. Whoever did something else has failed."""
    if state.tries >= limits.tries:
        return fail(state, Why.TOO_LATE)
    return State(Phase.SETTLING, look.at_s + limits.settle_within_s, last=look, tries=state.tries + 1)


def fail(state: State, why: Why) -> State:
    """It ends here."""
    return replace(state, phase=Phase.FAILED, why=why)


def _ways(state: State, look: Look, limits: Limits) -> dict[Action, float]:
    """How far each action has gone from the face at rest: 0 not at all, 1 altogether."""
    still = state.still or look
    turned = (look.turn_deg - still.turn_deg) / limits.turn_deg * limits.full  # `full` of the way is the whole angle
    return {
        Action.TURN_LEFT: turned,
        Action.TURN_RIGHT: -turned,
        Action.BLINK: _share(look.shut, still.shut),
        Action.SMILE: _share(look.smile, still.smile),
        Action.OPEN_MOUTH: _share(look.open, still.open),
    }


def _done(state: State, look: Look, limits: Limits) -> set[Action]:
    return {action for action, way in _ways(state, look, limits).items() if way >= limits.full}


def _share(now: float, still: float) -> float:
    return (now - still) / max(1.0 - still, 0.2)


def _middle(looks: Sequence[Look]) -> Look:
    """The median of each number."""
    return Look(
        looks[-1].at_s,
        statistics.median(look.turn_deg for look in looks),
        statistics.median(look.shut for look in looks),
        statistics.median(look.smile for look in looks),
        statistics.median(look.open for look in looks),
    )
