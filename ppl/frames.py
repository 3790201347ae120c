"""Frames: the scopes of a suspended execution, innermost last.

Three kinds, one interface. A program is a native coroutine, which can be neither copied nor pickled: it forks by
replaying its recorded values. An unfold and a text keep their whole past in a small explicit state: they fork by
copying it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from .address import format_address
from .blame import line_of
from .effects import Effect, Invocation, Sample, Unfold
from .errors import NameReused, ProgramError, ReplayDivergence
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
        self.coroutine = _start(effect)
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
                f"{kind} {name!r} in {self.effect!r}{line_of(self.coroutine)}: this scope already uses the name for a "
                f"{self._kinds[name]}; give one of them another name"
            )
        self._uses[name] = k + 1
        self._sites.append(Site(name, k, kind, value, log_p, log_q, fixed, sub))

    def sites(self, begin: int = 0) -> list[Site]:
        return self._sites[begin:] if begin else self._sites

    def fork(self, effect: Any, waits_for: Effect[Any]) -> tuple[ProgramFrame, Effect[Any]]:
        """Replay the recorded values through a fresh coroutine: nothing is drawn, scored or called.

        Raises ReplayDivergence unless the program asks for the recorded effects, and then for `waits_for`.
        """
        child = ProgramFrame(effect, self.k)
        send = child.coroutine.send
        site: Site | None = None
        try:
            pending = send(None)
            for site in self._sites:
                if pending.kind != site.kind or pending.name != site.name:
                    raise ReplayDivergence(_diverged(child, _of_site(site), _of_effect(pending)))
                pending = send(site.value)
        except StopIteration:
            raise ReplayDivergence(_diverged(child, "an effect after " + _of_site(site), "to return")) from None
        if pending.kind != waits_for.kind or pending.name != waits_for.name:
            raise ReplayDivergence(_diverged(child, _of_effect(waits_for), _of_effect(pending)))
        child._sites = self._sites.copy()
        child._uses = self._uses.copy()
        child._kinds = self._kinds.copy()
        child.twist = self.twist
        return child, pending

    def close(self) -> None:
        self.coroutine.close()


def _start(effect: Invocation[Any]) -> Coroutine[Effect[Any], Any, Any]:
    try:
        coroutine = effect.fn(*effect.args, **effect.kwargs)
    except TypeError as error:  # calling an `async def` runs none of it: the arguments do not fit
        raise ProgramError(f"{effect!r} cannot be called like this: {error}") from None
    if not hasattr(coroutine, "cr_await"):
        raise ProgramError(f"{effect!r} must be an `async def` function, but calling it gave {coroutine!r:.60}")
    return coroutine  # type: ignore[no-any-return]


def _of_site(site: Site | None) -> str:
    return "the beginning" if site is None else f"{site.kind} {format_address((site.name, site.k))!r}"


def _of_effect(effect: Effect[Any]) -> str:
    return f"{effect.kind} {effect.name!r}"


def _diverged(frame: ProgramFrame, recorded: str, asked: str) -> str:
    line = line_of(frame.coroutine)
    return (
        f"replay of {frame.effect!r}{line} expected {recorded} and the program asked for {asked}. A program must be a "
        "function of the values its effects returned: use no randomness outside sample(), and change no captured state"
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
        effect.owed_by = 0
        return effect

    def next_index(self, name: Hashable) -> int:
        return self._t

    def record(self, effect: Effect[Any], value: Any, log_p: float, log_q: float, fixed: bool, sub: Any) -> None:
        self._past = (self._past, Site(effect.name, self._t, effect.kind, value, log_p, log_q, fixed, sub))
        self._state, self._t = value, self._t + 1

    def sites(self, begin: int = 0) -> list[Site]:
        out, node = [], self._past
        for _ in range(self._t - begin):
            assert node is not None
            node, site = node
            out.append(site)
        return out[::-1]

    def fork(self, effect: Any, waits_for: Effect[Any]) -> tuple[UnfoldFrame, Effect[Any]]:
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
        self.log_p = self.log_q = 0.0
        self.twist = 0.0
        self.machine: Machine[Any]
        if machine is None:
            self.machine = effect.dist.begin(effect.proposal)
        else:
            self.adopt(machine)

    def adopt(self, machine: Machine[Any]) -> None:
        """Take over a draw that stands further on."""
        self.machine = machine
        sites = machine.sites()
        self.log_p, self.log_q = sum(s.log_p for s in sites), sum(s.log_q for s in sites)

    def step(self, value: Any) -> Effect[Any]:
        effect: Effect[Any] | None = self.machine.next()
        if effect is None:
            raise Finished(self.machine.value())
        effect.owed_by = 0
        return effect

    def next_index(self, name: Hashable) -> int:
        return len(self.machine)

    def record(self, effect: Effect[Any], value: Any, log_p: float, log_q: float, fixed: bool, sub: Any) -> None:
        self.log_p += log_p
        self.log_q += log_q
        self.machine.send(value, log_p, log_q)

    def sites(self, begin: int = 0) -> list[Site]:
        return self.machine.sites(begin)

    def fork(self, effect: Any, waits_for: Effect[Any]) -> tuple[SequentialFrame, Effect[Any]]:
        child: SequentialFrame = object.__new__(SequentialFrame)
        child.effect, child.k, child.machine = effect, self.k, self.machine.fork()
        child.log_p, child.log_q, child.twist = self.log_p, self.log_q, self.twist
        return child, child.step(None)

    def close(self) -> None:
        pass


Frame = ProgramFrame | UnfoldFrame | SequentialFrame
