"""Frames: the scopes of a suspended execution, innermost last.

Three kinds, one interface. A program is a native coroutine, which can be neither copied nor pickled: it forks by
replaying its recorded values. An unfold and a text keep their whole past in a small explicit state: they fork by
copying it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from .effects import Effect, Invocation, Sample, Unfold
from .errors import NameReused, ReplayDivergence
from .protocols import Machine
from .trace import Site


class Finished(Exception):
    """A frame has returned; `value` is what it returned."""

    def __init__(self, value: Any) -> None:
        self.value = value


class ProgramFrame:
    """A running `async def`."""

    __slots__ = ("_kinds", "_sites", "_uses", "coroutine", "effect", "k", "twist")

    def __init__(self, effect: Invocation[Any], k: int) -> None:
        self.effect, self.k = effect, k
        self.coroutine: Coroutine[Effect[Any], Any, Any] = effect.fn(*effect.args, **effect.kwargs)
        self._sites: list[Site] = []
        self._uses: dict[Hashable, int] = {}
        self._kinds: dict[Hashable, str] = {}
        self.twist = 0.0

    def step(self, value: Any) -> Effect[Any]:
        try:
            return self.coroutine.send(value)
        except StopIteration as stop:
            raise Finished(stop.value) from None

    def next_index(self, name: Hashable) -> int:
        return self._uses.get(name, 0)

    def record(self, effect: Effect[Any], value: Any, log_p: float, log_q: float, fixed: bool, sub: Any) -> None:
        name, kind = effect.name, effect.kind
        k = self._uses.get(name, 0)
        if k == 0:
            self._kinds[name] = kind
        elif self._kinds[name] != kind:
            raise NameReused(
                f"{kind} {name!r} in {self.effect!r}: this scope already uses the name for a {self._kinds[name]}; "
                "give one of them another name"
            )
        self._uses[name] = k + 1
        self._sites.append(Site(name, k, kind, value, log_p, log_q, fixed, sub))

    def sites(self) -> list[Site]:
        return self._sites

    def fork(self, effect: Any) -> tuple[ProgramFrame, Effect[Any]]:
        """Replay the recorded values through a fresh coroutine: nothing is drawn, scored or called."""
        child = ProgramFrame(effect, self.k)
        send = child.coroutine.send
        value, pending = None, None
        try:
            pending = send(None)
            for s in self._sites:
                if pending.kind != s.kind or pending.name != s.name:
                    raise ReplayDivergence(_diverged(effect, s, f"{pending.kind} {pending.name!r}"))
                value = s.value
                pending = send(value)
        except StopIteration:
            last = self._sites[-1] if self._sites else None
            raise ReplayDivergence(_diverged(effect, last, "to return")) from None
        child._sites = self._sites.copy()
        child._uses = self._uses.copy()
        child._kinds = self._kinds.copy()
        child.twist = self.twist
        return child, pending

    def close(self) -> None:
        self.coroutine.close()


def _diverged(effect: Effect[Any], recorded: Site | None, asked: str) -> str:
    was = f"{recorded.kind} {recorded.name!r} (use {recorded.k})" if recorded else "an effect"
    return (
        f"replay of {effect!r} expected {was} and the program asked for {asked}. A program must be a function of the "
        "values its effects returned: use no randomness outside sample(), and change no captured state"
    )


class UnfoldFrame:
    """A loop over an explicit state. The traces of its steps hang on a linked list, shared between forks."""

    __slots__ = ("_past", "_state", "_t", "effect", "k", "twist")

    def __init__(self, effect: Unfold[Any], k: int) -> None:
        self.effect, self.k = effect, k
        self._state, self._t = effect.state, 0
        self._past: tuple[Any, Site] | None = None
        self.twist = 0.0

    def step(self, value: Any) -> Effect[Any]:
        if self.effect.done(self._state):
            raise Finished(self._state)
        step: Callable[..., Any] = getattr(self.effect.step, "fn", self.effect.step)
        effect: Invocation[Any] = Invocation(step, (self._state,), None, "step")
        effect.awaited = True
        return effect

    def next_index(self, name: Hashable) -> int:
        return self._t

    def record(self, effect: Effect[Any], value: Any, log_p: float, log_q: float, fixed: bool, sub: Any) -> None:
        self._past = (self._past, Site(effect.name, self._t, effect.kind, value, log_p, log_q, fixed, sub))
        self._state, self._t = value, self._t + 1

    def sites(self) -> list[Site]:
        out, node = [], self._past
        while node is not None:
            node, site = node
            out.append(site)
        return out[::-1]

    def fork(self, effect: Any) -> tuple[UnfoldFrame, Effect[Any]]:
        child = UnfoldFrame(effect, self.k)
        child._state, child._t, child._past, child.twist = self._state, self._t, self._past, self.twist
        return child, child.step(None)

    def close(self) -> None:
        pass


class SequentialFrame:
    """A sequential distribution being drawn, atom by atom."""

    __slots__ = ("effect", "k", "log_p", "log_q", "machine", "twist")

    def __init__(self, effect: Sample[Any], k: int, machine: Machine[Any] | None = None) -> None:
        self.effect, self.k = effect, k
        self.machine: Machine[Any] = effect.dist.begin(effect.proposal) if machine is None else machine
        self.log_p = self.log_q = 0.0
        self.twist = 0.0

    def step(self, value: Any) -> Effect[Any]:
        effect: Effect[Any] | None = self.machine.next()
        if effect is None:
            raise Finished(self.machine.value())
        effect.awaited = True
        return effect

    def next_index(self, name: Hashable) -> int:
        return len(self.machine)

    def record(self, effect: Effect[Any], value: Any, log_p: float, log_q: float, fixed: bool, sub: Any) -> None:
        if fixed:
            log_q = 0.0  # an imposed atom counts as p, a drawn one as p/q
        self.log_p += log_p
        self.log_q += log_q
        self.machine.send(value, log_p, log_q)

    def sites(self) -> list[Site]:
        return self.machine.sites()

    def fork(self, effect: Any) -> tuple[SequentialFrame, Effect[Any]]:
        child = SequentialFrame(effect, self.k, self.machine.fork())
        child.log_p, child.log_q, child.twist = self.log_p, self.log_q, self.twist
        return child, child.step(None)

    def close(self) -> None:
        pass


Frame = ProgramFrame | UnfoldFrame | SequentialFrame
