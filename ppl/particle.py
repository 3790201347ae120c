"""A particle: one suspended execution of a program, its trace so far and its weight."""

from __future__ import annotations

import inspect
import math
from typing import Any

from .address import Address, format_address
from .effects import Effect, Factor, Invocation, Param, Sample, Twist, Unfold, driving, dropped
from .errors import InvalidWeight, MissingAwait, SteersmanError, TracedControlFlow
from .frames import Finished, Frame, ProgramFrame, SequentialFrame, UnfoldFrame
from .trace import Scope, Site, Trace


class Particle:
    """A suspended execution.

    pending: the effect it waits for, None when it is finished or dead. log_weight (nats): accumulated since the owner
    last reset it. trace: the record, once finished. killed_by: the address of the site that gave it weight zero.
    slot: its place in the population, part of the key of all its draws. params: current values of `param` sites.
    """

    __slots__ = ("frames", "killed_by", "log_weight", "model", "params", "pending", "resting", "slot", "trace")

    def __init__(self, model: Invocation[Any], slot: int = 0, params: dict[Any, Any] | None = None) -> None:
        self.model, self.slot, self.params = model, slot, params
        self.log_weight = 0.0
        self.pending: Effect[Any] | None = None
        self.trace: Trace | None = None
        self.killed_by: str | None = None
        self.resting = False
        driving[0] += 1
        try:
            self.frames: list[Frame] = [ProgramFrame(model, 0)]
            self._settle(None)
        finally:
            driving[0] -= 1

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
    def address(self) -> Address:
        """The address of the pending effect."""
        assert self.pending is not None, "a particle that is done waits for nothing"
        name = self.pending.name
        scopes = tuple(x for f in self.frames[1:] for x in (f.effect.name, f.k))
        return (*scopes, name, self.frames[-1].next_index(name))

    def resume(self, value: Any, log_p: float = 0.0, log_q: float = 0.0, fixed: bool = False) -> None:
        """Answer the pending effect with a value and its densities, and run to the next effect."""
        self.frames[-1].record(self.pending, value, log_p, log_q, fixed, None)  # type: ignore[arg-type]
        self._settle(value)

    def enter(self) -> None:
        """Start to draw the pending text (or other sequential distribution) atom by atom."""
        effect = self.pending
        assert isinstance(effect, Sample)
        self.frames.append(SequentialFrame(effect, self.frames[-1].next_index(effect.name)))
        self._settle(None)

    def weigh(self, effect: Factor) -> None:
        """Answer a factor, condition or twist: no other particle is needed for that."""
        try:
            log_w = float(effect.log_weight)
        except (TypeError, ValueError) as error:
            if _is_tracer_error(error):
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

    def kill(self) -> None:
        """Close the execution at its pending effect, with weight zero."""
        self.killed_by = format_address(self.address)
        self.log_weight = -math.inf
        for frame in self.frames:
            frame.close()
        dropped.clear()  # closing a coroutine drops what it held; that is not the program's mistake
        self.frames, self.pending = [], None

    def fork(self, slot: int | None = None) -> Particle:
        """An independent copy in the same state: recorded values are replayed, nothing is drawn, scored or called.

        Raises ReplayDivergence if the program is not a function of its recorded values.
        """
        child = object.__new__(Particle)
        child.model, child.params, child.log_weight = self.model, self.params, self.log_weight
        child.trace, child.killed_by, child.resting = self.trace, self.killed_by, self.resting
        child.slot = self.slot if slot is None else slot
        child.frames, child.pending = [], None
        effect: Effect[Any] = self.model
        driving[0] += 1
        try:
            for frame in self.frames:
                copy, effect = frame.fork(effect)
                child.frames.append(copy)
                child.pending = effect
        finally:
            driving[0] -= 1
            dropped.clear()
        return child

    def partial_trace(self) -> Trace:
        """The trace so far: the record of an execution that is not finished. Dead particles have none left."""
        if self.trace is not None:
            return self.trace
        sites: list[Site] = []
        inner: Frame | None = None
        for frame in reversed(self.frames):
            own = list(frame.sites())
            if inner is not None:
                own.append(Site(inner.effect.name, inner.k, inner.effect.kind, None, sub=Scope(sites)))
            sites, inner = own, frame
        return Trace(self.model, sites, None)

    def where(self) -> str:
        """The pending site, for messages: address, kind and source line."""
        site = f"{self.pending.kind} {format_address(self.address)!r}" if self.pending is not None else "the program"
        line = next((x for f in reversed(self.frames) if isinstance(f, ProgramFrame) and (x := _line(f))), "")
        return f"{site} in {self.model!r}{line}"

    def _settle(self, value: Any) -> None:
        """Send `value` into the innermost frame; enter and leave scopes until an effect is pending."""
        frames = self.frames
        while True:
            top = frames[-1]
            try:
                effect = top.step(value)
            except Finished as end:
                value = end.value
                if top.twist:
                    self.log_weight -= top.twist
                frames.pop()
                if dropped:
                    self._report_dropped(top)
                if not frames:
                    self.pending, self.trace = None, Trace(self.model, top.sites(), value)
                    return
                if isinstance(top, SequentialFrame):
                    frames[-1].record(top.effect, value, top.log_p, top.log_q, False, top.machine)
                elif isinstance(top, ProgramFrame):
                    frames[-1].record(top.effect, value, 0.0, 0.0, False, Scope(top.sites()))
                else:
                    frames[-1].record(top.effect, value, 0.0, 0.0, False, top)
                continue
            except SteersmanError:
                raise
            except Exception as error:
                if _is_tracer_error(error):
                    raise TracedControlFlow(
                        f"{self.model!r}{_line(top)}: control flow on a value that JAX is tracing; sample that site by "
                        "another method, or use jax.numpy.where"
                    ) from error
                error.add_note(f"(raised by the program {self.model.name!r}, particle in slot {self.slot})")
                raise
            if dropped:
                self._report_dropped(top)
            if isinstance(effect, Invocation):
                frames.append(ProgramFrame(effect, top.next_index(effect.name)))
                value = None
            elif isinstance(effect, Unfold):
                frames.append(UnfoldFrame(effect, top.next_index(effect.name)))
                value = None
            elif isinstance(effect, Param):
                value = effect.init if self.params is None else self.params.setdefault(effect.name, effect.init)
                top.record(effect, value, 0.0, 0.0, False, None)
            elif isinstance(effect, Effect):
                self.pending = effect
                return
            else:
                raise MissingAwait(
                    f"{self.model!r}{_line(top)} awaited {effect!r:.60}, which is no effect: a program awaits sample, "
                    "observe, factor, condition, twist, call, unfold, param and other programs (no asyncio)"
                )

    def _report_dropped(self, frame: Frame) -> None:
        names = ", ".join(dropped)
        dropped.clear()
        raise MissingAwait(f"{self.model!r}{_line(frame)}: {names} was made but never awaited: write `await ...`")


def _is_tracer_error(error: BaseException) -> bool:
    return type(error).__module__.startswith("jax") and "Trac" in type(error).__name__ or (
        type(error).__name__ == "ConcretizationTypeError"
    )


def _line(frame: Frame) -> str:
    """ " (file:line)" of the innermost await below a program frame."""
    if not isinstance(frame, ProgramFrame):
        return ""
    coroutine: Any = frame.coroutine
    while inspect.iscoroutine(inner := getattr(coroutine, "cr_await", None)):
        coroutine = inner
    at = coroutine.cr_frame
    if at is not None:
        return f" ({at.f_code.co_filename}:{at.f_lineno})"
    code = coroutine.cr_code
    return f" ({code.co_filename}:{code.co_firstlineno})"
