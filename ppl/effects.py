"""The effects: awaitable records of what a program asks of the world.

``x = await sample(d)`` suspends the program with a `Sample`; the driver answers it. An effect computes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, overload

from .accept import accept
from .effect import Effect as Effect
from .effect import running
from .errors import NotADistribution, ProgramError
from .protocols import Distribution, Sequential, Unnormalised

T = TypeVar("T")
S = TypeVar("S")


class Sample(Effect[T]):
    """Latent choice x ~ p. The weight gains log p(x) - log q(x) when a proposal q drew it: the one that is given, or
    that of an unnormalised p itself."""

    __slots__ = ("dist", "proposal", "sequential")
    kind = "sample"

    def __init__(self, dist: Any, name: Hashable | None = None, proposal: Any = None) -> None:
        self.owed_by = 0  # what cannot be made need not be awaited
        self.name = "sample" if name is None else name
        self.dist, self.sequential = accept(dist, "sample", self.name)
        if proposal is None:
            self.proposal = getattr(self.dist, "proposal", None)
        else:
            self.proposal, sequential = accept(proposal, "the proposal of sample", self.name)
            if sequential is not self.sequential:
                raise NotADistribution(
                    f"sample({self.name!r}): the proposal of a text must be a text over the same tokens, and that of "
                    f"a plain distribution a plain one; got {dist!r} with proposal {proposal!r}"
                )
            if not getattr(self.proposal, "proposes", True):
                raise NotADistribution(
                    f"sample({self.name!r}): {proposal!r} estimates its density, and the inverse of an estimate is "
                    "biased: propose from an exact posterior (Enumerate), or from the posterior of one run"
                )
            if (drawable := getattr(self.proposal, "proposal", None)) is not None:
                self.proposal = drawable
        self.owed_by = running[0]


class Observe(Effect[None]):
    """Likelihood: the weight gains power log p(value)."""

    __slots__ = ("dist", "power", "value")
    kind = "observe"

    def __init__(self, dist: Any, value: Any, name: Hashable | None = None) -> None:
        self.owed_by = 0
        self.name = "observe" if name is None else name
        self.dist, _ = accept(dist, "observe", self.name)
        if isinstance(value, Effect):
            value._refuse(f"observed at {self.name!r}")
        self.value, self.power = value, 1.0
        self.owed_by = running[0]


class Factor(Effect[None]):
    """Multiplies the target by exp(log_weight) (nats)."""

    __slots__ = ("log_weight",)
    kind = "factor"

    def __init__(self, log_weight: Any, name: Hashable | None = None) -> None:
        self.owed_by = running[0]
        self.name = self.kind if name is None else name
        self.log_weight = log_weight


class Condition(Factor):
    """A factor of 0 or -inf."""

    __slots__ = ()
    kind = "condition"


class Twist(Factor):
    """Steers without changing the target: replaces the program's previous twist, divided out when it returns."""

    __slots__ = ()
    kind = "twist"


class Call(Effect[T]):
    """A deterministic, costly function; grouped over the particles that ask for the same one."""

    __slots__ = ("args", "fn")
    kind = "call"

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...], name: Hashable | None) -> None:
        self.owed_by = running[0]
        self.name = "call" if name is None else name
        self.fn, self.args = fn, args


class Param(Effect[T]):
    """A trainable value. Names of parameters are global to a run, as in NumPyro."""

    __slots__ = ("constraint", "init")
    kind = "param"

    def __init__(self, name: Hashable, init: Any, constraint: Any = None) -> None:
        self.owed_by = running[0]
        self.name, self.init, self.constraint = name, init, constraint


class Invocation(Effect[T]):
    """A program applied to its arguments: awaited inside a program it is a sub-program site; given to `infer`, the
    model. It holds no state, so one invocation can be run many times."""

    __slots__ = ("args", "fn", "kwargs")
    kind = "program"

    def __init__(
        self, fn: Callable[..., Any], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None,
        name: Hashable | None = None,
    ) -> None:
        self.owed_by = running[0]
        self.fn, self.args, self.kwargs = fn, args, kwargs or {}
        self.name = getattr(fn, "__name__", "program") if name is None else name

    def named(self, name: Hashable) -> Invocation[T]:
        self.owed_by = 0  # its copy takes its place
        return Invocation(self.fn, self.args, self.kwargs, name)

    def _maker(self) -> Hashable:
        return self.name

    def __repr__(self) -> str:
        return f"<program {self.name!r}>"


class Unfold(Effect[T]):
    """``state = await step(state)`` until ``done(state)``; forks in O(1) because the state is the whole past."""

    __slots__ = ("done", "state", "step")
    kind = "unfold"

    def __init__(self, step: Callable[[T], Any], state: T, done: Callable[[T], bool], name: Hashable | None) -> None:
        self.owed_by = running[0]
        self.name = "unfold" if name is None else name
        self.step, self.state, self.done = step, state, done


@overload
def sample(dist: Invocation[T], name: Hashable | None = None) -> Effect[T]: ...
@overload
def sample(dist: Sequential[T], name: Hashable | None = None, proposal: Any = None) -> Effect[T]: ...
@overload
def sample(dist: Distribution[T], name: Hashable | None = None, proposal: Any = None) -> Effect[T]: ...
@overload
def sample(dist: Unnormalised[T], name: Hashable | None = None, proposal: Any = None) -> Effect[T]: ...
@overload
def sample(dist: Any, name: Hashable | None = None, proposal: Any = None) -> Effect[Any]: ...
def sample(dist: Any, name: Hashable | None = None, proposal: Any = None) -> Effect[Any]:
    """``x = await sample(dist, "x")``: a latent choice x ~ dist.

    dist: a distribution (`ppl.dist`, NumPyro, `lm.next(...)`), a sequential distribution (`lm.text(...)`) or a
    program call, which this only names. proposal: what really draws x; the weight gains log p(x) - log q(x) nats,
    so the target stays dist. An unnormalised dist (a product of models) brings a proposal of its own. Raises
    NotADistribution for anything else.
    """
    if isinstance(dist, Invocation):
        if proposal is not None:
            raise ProgramError(
                f"sample({name!r}): a program call takes no proposal; give proposals to the sites inside "
                f"{dist.name!r}, or a guide program to Importance(proposal=...)"
            )
        return dist if name is None else dist.named(name)
    return Sample(dist, name, proposal)


def observe(dist: Any, value: Any, name: Hashable | None = None) -> Effect[None]:
    """``await observe(dist, value)``: the weight gains log p(value) nats; -inf closes the particle."""
    return Observe(dist, value, name)


def factor(log_weight: Any, name: Hashable | None = None) -> Effect[None]:
    """``await factor(logw)``: multiply the target by exp(logw), logw in nats; -inf closes the particle."""
    return Factor(log_weight, name)


def condition(ok: Any, name: Hashable | None = None) -> Effect[None]:
    """``await condition(ok)``: keep this execution only if ok; a false condition closes the particle at once."""
    return Condition(0.0 if ok else float("-inf"), name)


def twist(log_weight: Any, name: Hashable | None = None) -> Effect[None]:
    """``await twist(logw)``: look ahead. The weight gains logw minus the program's previous twist, and the last one
    is divided out when the program returns, so the target does not change (Whiteley & Lee 2014, "Twisted particle
    filters"). logw must be finite, in nats."""
    return Twist(log_weight, name)


def call(fn: Callable[..., S], *args: Any, name: Hashable | None = None) -> Effect[S]:
    """``y = await call(fn, *args)``: a deterministic costly function (logits, a reward, a parser).

    Computed once and recorded: replay is free. A function made by `batched` gets the arguments of all the particles
    that ask in one round as one call; a plain function is called once for each.
    """
    return Call(fn, args, name)


def param(name: Hashable, init: T, constraint: Any = None) -> Effect[T]:
    """``v = await param("v", init)``: the current value of a trainable parameter, `init` where none was learnt.

    constraint: what it is learnt within, one of NumPyro's (``dist.constraints.positive``); any number by default.
    """
    return Param(name, init, constraint)


def unfold(
    step: Callable[[T], Any], state: T, done: Callable[[T], bool], name: Hashable | None = None
) -> Effect[T]:
    """``last = await unfold(step, state, done)``: run ``state = await step(state)`` until ``done(state)``.

    The state must hold everything the loop remembers; a particle inside the loop then forks in O(1), however long
    its past. Each step is a scope named "step".
    """
    return Unfold(step, state, done, name)
