"""A particle: one suspended execution of a program, its trace so far and its weight."""

from __future__ import annotations

import itertools
import math
from typing import Any

from .address import Address, format_address
from .blame import explain, is_tracer_error, line_of
from .effect import Effect, dropped, running, take_dropped
from .effects import Call, Factor, Invocation, Observe, Param, Sample, Twist, Unfold
from .errors import InvalidWeight, MissingAwait, NotAnEffect, TracedControlFlow
from .frames import Finished, Frame, ProgramFrame, SequentialFrame, UnfoldFrame
from .protocols import Machine
from .trace import Scope, Site, Trace

_serials = itertools.count(1)
_FOR_THE_DRIVER = (Sample, Factor, Observe, Call)  # the others a particle answers itself


class Particle:
    """A suspended execution.

    pending: the effect it waits for, None when it is finished or dead. log_weight (nats): accumulated since the owner
    last reset it. trace: the record, once finished. killed_by: the address of the site that gave it weight zero.
    slot: its place in the population, part of the key of all its draws. params: current values of `param` sites.
    answered: the effects that the last answer completed, innermost first (a token, then its text, if it was the last).
    resting: it has met the stop of the current request. closed: the scopes of a dead one, with what it did in them.
    """

    __slots__ = (
        "answered", "closed", "frames", "killed_by", "log_weight", "model", "params", "pending", "resting", "serial",
        "slot", "trace",
    )

    def __init__(self, model: Invocation[Any], slot: int = 0, params: dict[Any, Any] | None = None) -> None:
        self.model, self.slot, self.params = model, slot, params
        self.log_weight = 0.0
        self.pending: Effect[Any] | None = None
        self.trace: Trace | None = None
        self.killed_by: str | None = None
        self.resting = False
        self.answered: list[Effect[Any]] = []
        self.serial = next(_serials)
        self.frames: list[Frame] = []
        self.closed: list[Frame] = []
        self._settle(None, model)

    @classmethod
    def of_trace(cls, trace: Trace, slot: int = 0) -> Particle:
        """The finished execution that a trace records. Raises ValueError for one that was read from a file."""
        if trace.program is None:
            raise ValueError("this trace was read from a file and has no program: use Trace.from_json(data, program)")
        particle = object.__new__(cls)
        particle.model, particle.slot, particle.params = trace.program, slot, None
        particle.log_weight, particle.pending, particle.trace, particle.killed_by = 0.0, None, trace, None
        particle.resting, particle.answered, particle.frames, particle.closed = False, [], [], []
        particle.serial = next(_serials)
        return particle

    @property
    def done(self) -> bool:
        """Finished or dead: nothing is pending."""
        return self.pending is None

    @property
    def dead(self) -> bool:
        return self.killed_by is not None

    @property
    def value(self) -> Any:
        """What the program returned; None while it is not finished."""
        return self.trace.value if self.trace is not None else None

    @property
    def log_twist(self) -> float:
        """The twists in force, which are divided out when their programs return; 0 once finished."""
        return sum(frame.twist for frame in self.frames)

    @property
    def address(self) -> Address:
        """The address of the pending effect."""
        assert self.pending is not None, "a particle that is done waits for nothing"
        name = self.pending.name
        scopes = tuple(x for f in self.frames[1:] for x in (f.effect.name, f.k))
        return (*scopes, name, self.frames[-1].next_index(name))

    def resume(
        self, value: Any, log_p: float = 0.0, log_q: float = 0.0, fixed: bool = False, sub: Any = None
    ) -> None:
        """Answer the pending effect with a value and its densities, and run to the next effect."""
        effect = self.pending
        assert effect is not None
        self.frames[-1].record(effect, value, log_p, log_q, fixed, sub)
        self.answered = [effect]
        self._settle(value)

    def recall(self, site: Site) -> None:
        """Answer the pending sample, observation or call as an execution with the same past did: the weight gains
        what it gained there, log p - log q where a proposal drew."""
        if isinstance(self.pending, Sample):
            self.log_weight += site.log_p - site.log_q
        elif isinstance(self.pending, Observe):
            self.log_weight += site.log_p
        self.resume(site.value, site.log_p, site.log_q, sub=site.sub)

    def enter(self, begun: Machine[Any] | None = None) -> None:
        """Start to draw the pending text (or other sequential distribution) atom by atom; or go on from where a draw
        of the same text, with the same past, has been (it keeps what it gained)."""
        effect = self.pending
        assert isinstance(effect, Sample)
        try:
            frame = SequentialFrame(effect, self.frames[-1].next_index(effect.name), begun)
        except Exception as error:
            error.add_note(f"(raised in {self.where()})")
            raise
        self.log_weight += frame.log_p - frame.log_q
        self.frames.append(frame)
        self._settle(None)

    @property
    def text_so_far(self) -> Machine[Any]:
        """The half-drawn text (or other sequential distribution) of which the pending effect is an atom."""
        frame = self.frames[-1]
        assert isinstance(frame, SequentialFrame)
        return frame.machine

    def complete(self, machine: Machine[Any]) -> None:
        """Replace the half-drawn text by a finished one that began like it, and go on behind it."""
        frame = self.frames[-1]
        assert isinstance(frame, SequentialFrame)
        frame.adopt(machine)
        self.answered = []
        self._settle(None)

    def weigh(self, effect: Factor) -> None:
        """Answer a factor, condition or twist: no other particle is needed for that."""
        try:
            log_w = float(effect.log_weight)
        except MissingAwait as error:
            raise MissingAwait(f"{self.where()}: {error}") from None
        except (TypeError, ValueError) as error:
            if is_tracer_error(error):
                raise TracedControlFlow(f"{self.where()}: a factor on a value that JAX is tracing") from error
            raise InvalidWeight(
                f"{self.where()}: a {effect.kind} takes a number of nats, got {effect.log_weight!r:.80}"
            ) from None
        if not log_w < math.inf:  # NaN or +inf
            raise InvalidWeight(f"{self.where()}: the log-weight is {log_w}; a {effect.kind} must be finite or -inf")
        if isinstance(effect, Twist):
            if log_w == -math.inf:
                raise InvalidWeight(
                    f"{self.where()}: a twist of -inf would change the target; use condition(False) to reject"
                )
            frame = self.frames[-1]
            self.log_weight += log_w - frame.twist
            frame.twist = log_w
            self.resume(log_w)
        elif log_w == -math.inf:
            self.kill()
        else:
            self.log_weight += log_w
            self.resume(None, log_w)

    def kill(self, why: str = "") -> None:
        """Close the execution at its pending effect, with weight zero."""
        self.killed_by = f"{format_address(self.address)}, {why}" if why else format_address(self.address)
        self.log_weight = -math.inf
        for frame in self.frames:
            frame.close()
        self.closed, self.frames, self.pending = self.frames, [], None

    def fork(self, slot: int | None = None) -> Particle:
        """An independent copy in the same state: recorded values are replayed, nothing is drawn, scored or called.

        Raises ReplayDivergence if the program is not a function of its recorded values.
        """
        child = object.__new__(Particle)
        child.model, child.params, child.log_weight = self.model, self.params, self.log_weight
        child.trace, child.killed_by, child.resting = self.trace, self.killed_by, self.resting
        child.slot = self.slot if slot is None else slot
        child.frames, child.closed, child.pending, child.answered = [], self.closed, None, []
        child.serial = next(_serials)
        effect: Effect[Any] = self.model
        waits_for = [frame.effect for frame in self.frames[1:]] + [self.pending]
        before, running[0] = running[0], child.serial
        try:
            for frame, inner in zip(self.frames, waits_for, strict=False):
                assert inner is not None
                copy, effect = frame.fork(effect, inner)
                child.frames.append(copy)
                child.pending = effect
        finally:
            running[0] = before
            take_dropped(child.serial)  # the original has reported it
        return child

    def partial_trace(self) -> Trace:
        """The trace so far: the record of an execution that is not finished. Of a dead one it is empty; see `remains`.

        What is unfinished (sub-programs, loops, texts) is a scope without a value that holds what it has so far; the
        scope of an unfinished text is of kind "text" and its tokens are choices.
        """
        return self._trace_in(self.frames) if self.trace is None else self.trace

    def remains(self) -> Trace:
        """What a dead particle did before it died."""
        return self._trace_in(self.closed)

    def _trace_in(self, frames: list[Frame]) -> Trace:
        sites: list[Site] = []
        inner: Frame | None = None
        for frame in reversed(frames):
            own = list(frame.sites())
            if inner is not None:
                kind = "text" if isinstance(inner, SequentialFrame) else inner.effect.kind
                own.append(Site(inner.effect.name, inner.k, kind, None, sub=Scope(sites)))
            sites, inner = own, frame
        return Trace(self.model, sites, None)

    def where(self) -> str:
        """The pending site, for messages: kind, address, program and source line."""
        site = f"{self.pending.kind} {format_address(self.address)!r}" if self.pending is not None else "the program"
        return f"{site} in {self.model!r}{self._line()}"

    def _line(self) -> str:
        """ " (file:line)" of the innermost program."""
        return next((line_of(f.coroutine) for f in reversed(self.frames) if isinstance(f, ProgramFrame)), "")

    def _settle(self, value: Any, effect: Effect[Any] | None = None) -> None:
        """Send `value` into the innermost frame (or start with `effect`); enter and leave scopes until one is pending.
        """
        frames = self.frames
        before, running[0] = running[0], self.serial
        try:
            while True:
                if effect is None:
                    top = frames[-1]
                    try:
                        effect = top.step(value)
                    except Finished as end:
                        self._check_dropped()
                        value = end.value
                        self._leave(top, value)
                        if not frames:
                            return
                        continue
                    if dropped:
                        self._check_dropped()
                if isinstance(effect, _FOR_THE_DRIVER):
                    self.pending = effect
                    return
                if isinstance(effect, Invocation):
                    frames.append(ProgramFrame(effect, frames[-1].next_index(effect.name) if frames else 0))
                    value = None
                elif isinstance(effect, Unfold):
                    frames.append(UnfoldFrame(effect, frames[-1].next_index(effect.name)))
                    value = None
                elif isinstance(effect, Param):
                    value = effect.init if self.params is None else self.params.setdefault(effect.name, effect.init)
                    frames[-1].record(effect, value, 0.0, 0.0, False, None)
                else:
                    raise NotAnEffect(
                        f"awaited {effect!r:.60}, which is no effect: a program awaits sample, observe, factor, "
                        "condition, twist, call, unfold, param and other programs (no asyncio)"
                    )
                effect = None
        except Exception as error:
            take_dropped(self.serial)  # what an exception drops is not another mistake
            explained = explain(error, self.model, self._line(), self._after())
            if explained is error:
                raise
            raise explained from error
        finally:
            running[0] = before

    def _leave(self, top: Frame, value: Any) -> None:
        """The innermost frame has returned: divide out its twist and record it in the scope around it."""
        if top.twist:
            self.log_weight -= top.twist
        self.frames.pop()
        if not self.frames:
            self.pending, self.trace = None, Trace(self.model, top.sites(), value)
            return
        outer = self.frames[-1]
        if isinstance(top, SequentialFrame):
            outer.record(top.effect, value, top.log_p, top.log_q, False, top.machine)
        else:
            sub = Scope(top.sites()) if isinstance(top, ProgramFrame) else top
            outer.record(top.effect, value, 0.0, 0.0, False, sub)
        self.answered.append(top.effect)

    def _after(self) -> str:
        if not self.answered:
            return f", particle in slot {self.slot}"
        effect = self.answered[-1]
        return f", after {effect.kind} {effect.name!r}, particle in slot {self.slot}"

    def _check_dropped(self) -> None:
        if names := take_dropped(self.serial):
            raise MissingAwait(f"{', '.join(names)} was made but never awaited: write `await ...`") from None
