"""`guided`: a program whose choices are proposed by a guide."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Protocol, TypeVar, runtime_checkable

from .address import Address, format_address
from .blame import line_of
from .effects import Call, Effect, Factor, Invocation, Observe, Param, Sample, Unfold
from .errors import InvalidWeight, ProgramError, UnknownAddress
from .program import Program, as_invocation, required
from .rewriting import Wrapped, excused

T = TypeVar("T")


@runtime_checkable
class SiteGuide(Protocol):
    """A guide without a program of its own: it is asked for a proposal site by site."""

    def at(self, address: Address, dist: Any, chosen: Mapping[Address, tuple[Any, Any]]) -> Any | None:
        """A proposal for the choice from `dist` at `address`; None where it has none. chosen: address -> (distribution,
        value) of the earlier choices of the same scope; those of programs that have returned are not known any more
        (forking is replay)."""
        ...


def guided(program: Invocation[T] | Program[..., T], guide: Any) -> Invocation[T]:
    """The program, with the guide's distribution of the same address as the proposal of every choice.

        infer(guided(story(lm), guide), SMC(64))

    The target is that of the program: a choice x adds log p(x) - log q(x) nats to the weight. guide: a program (call)
    that runs in step with this one, or a `SiteGuide`; a program that is not called, but needs arguments, is called with
    those of this one. A guide program makes its choices in the order of the program, with the same names, and receives
    what the program receives: choices that are imposed, what sub-programs return. It may leave choices out (then they
    are drawn as they would be without it), and use `call` and `param`. A sub-program of the guide guides the
    sub-program of that name. Loops of `unfold` are not guided.

    Errors, when it runs: UnknownAddress for a choice of the guide that the program does not make (or not in this
    order), InvalidWeight for a guide that weighs, NotADistribution for a text where the program has none.
    """
    inner = as_invocation(program)
    other: Any = getattr(guide, "proposer", guide)
    if isinstance(other, Program) and required(other):
        other = other(*inner.args, **inner.kwargs)
    if not isinstance(other, SiteGuide):
        other = as_invocation(other)
    return Invocation(_Start(inner.fn, other, ()), inner.args, inner.kwargs, inner.name)


class _Start:
    """Calls an `async def`, and its guide."""

    __slots__ = ("function", "guide", "scope")

    def __init__(self, function: Callable[..., Any], guide: Any, scope: Address) -> None:
        self.function, self.guide, self.scope = function, guide, scope

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        coroutine = self.function(*args, **kwargs)
        if not hasattr(coroutine, "cr_await"):
            return coroutine
        if isinstance(self.guide, SiteGuide):
            return _BySite(coroutine, self.scope, self.guide)
        other = self.guide.fn(*self.guide.args, **self.guide.kwargs)
        if not hasattr(other, "cr_await"):
            coroutine.close()
            raise ProgramError(f"the guide {self.guide!r} must be an `async def` function")
        return _InStep(coroutine, self.scope, other, self.guide)


class _Coroutine(Wrapped):
    """A coroutine of the program, at the address `scope`."""

    def __init__(self, inner: Any, scope: Address) -> None:
        super().__init__(inner)
        self.scope = scope
        self._uses: dict[Hashable, int] = {}

    def use(self, name: Hashable) -> Address:
        """The address of the next effect of this name."""
        k = self._uses.get(name, 0)
        self._uses[name] = k + 1
        return (*self.scope, name, k)


class _BySite(_Coroutine):
    """Asks a `SiteGuide`."""

    def __init__(self, inner: Any, scope: Address, guide: SiteGuide) -> None:
        super().__init__(inner, scope)
        self.guide = guide
        self._chosen: dict[Address, tuple[Any, Any]] = {}
        self._asked: tuple[Address, Any] | None = None

    def send(self, value: Any) -> Effect[Any]:
        if self._asked is not None:
            address, dist = self._asked
            self._chosen[address], self._asked = (dist, value), None
        effect: Effect[Any] = self.inner.send(value)
        address = self.use(effect.name)
        if isinstance(effect, Invocation):
            return excused(Invocation(_Start(effect.fn, self.guide, address), effect.args, effect.kwargs, effect.name))
        if isinstance(effect, Sample):
            self._asked = address, effect.dist
            proposal = self.guide.at(address, effect.dist, self._chosen)
            if proposal is not None:
                return excused(Sample(effect.dist, effect.name, proposal))
        return effect


class _InStep(_Coroutine):
    """Runs a guide program beside the program.

    `_pending` is what the guide waits for, None when it has returned; `_held` the effect of the program that waits for
    the guide to find out what it has for it; `_met` whether the guide is answered, too, by the answer to come.
    """

    def __init__(self, inner: Any, scope: Address, other: Any, guide: Invocation[Any]) -> None:
        super().__init__(inner, scope)
        self.other, self.guide = other, guide
        self._pending: Effect[Any] | None = None
        self._begun = self._met = False
        self._held: Effect[Any] | None = None
        self._other_uses: dict[Hashable, int] = {}

    def send(self, value: Any) -> Effect[Any]:
        if self._held is not None:  # the answer is the guide's alone
            self._resume_guide(value)
            return self._matched(self._held)
        if self._met:
            self._met = False
            self._resume_guide(value)
        try:
            effect: Effect[Any] = self.inner.send(value)
        except StopIteration:
            self._finish()
            raise
        if isinstance(effect, (Sample, Invocation)):
            return self._matched(effect)
        self.use(effect.name)
        return effect

    def _matched(self, effect: Effect[Any]) -> Effect[Any]:
        """The effect with its proposal, or first what the guide must know before it can tell."""
        if not self._begun:
            self._begun = True
            self._resume_guide(None)
        pending = self._pending
        if isinstance(pending, (Call, Param)):
            self._held = effect
            return excused(Call(pending.fn, pending.args, f"guide: {pending.name}")) if isinstance(pending, Call) \
                else pending
        self._held = None
        address = self.use(effect.name)
        if pending is None or pending.kind != effect.kind or self._next_of_guide(pending) != address[-2:]:
            return effect
        self._other_uses[pending.name] = self._other_uses.get(pending.name, 0) + 1
        self._met = True
        if isinstance(pending, Sample) and isinstance(effect, Sample):
            return excused(Sample(effect.dist, effect.name, pending.dist))
        assert isinstance(pending, Invocation) and isinstance(effect, Invocation)
        return excused(Invocation(_Start(effect.fn, pending, address), effect.args, effect.kwargs, effect.name))

    def _next_of_guide(self, pending: Effect[Any]) -> Address:
        return pending.name, self._other_uses.get(pending.name, 0)

    def _resume_guide(self, value: Any) -> None:
        try:
            self._pending = self.other.send(value)
        except StopIteration:
            self._pending = None
            return
        if isinstance(self._pending, (Factor, Observe)):
            raise InvalidWeight(f"{self._pending!r} in the guide {self.guide!r}{line_of(self.other)}: a guide only "
                                "draws, it has no factor, condition, twist or observe")
        if isinstance(self._pending, Unfold):
            raise ProgramError(f"{self._pending!r} in the guide {self.guide!r}{line_of(self.other)}: a guide has no "
                               "unfold; write a loop, or give the proposals inside the program")

    def _finish(self) -> None:
        """The program has returned: nothing of the guide may be left over."""
        pending = self._pending
        if isinstance(pending, (Sample, Invocation)):
            site = format_address((*self.scope, *self._next_of_guide(pending)))
            raise UnknownAddress(
                f"the guide {self.guide!r}{line_of(self.other)} waits at {site!r}, which the program did not ask for "
                "there: a guide makes the choices of the program, in the same order"
            )
        self.other.close()

    def close(self) -> None:
        super().close()
        self.other.close()
