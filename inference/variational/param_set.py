"""`ParamSet`: what the `param`s of a program are, and the gradient of its densities by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steersman.ppl import dist
from steersman.ppl.address import Address
from steersman.ppl.dist.record import Record
from steersman.ppl.effects import Param
from steersman.ppl.errors import ProgramError
from steersman.ppl.parameterised import parameterised
from steersman.ppl.program import as_invocation
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Trace

Arrays = dict[str, NDArray[np.float32]]
Role = Literal["p", "q"]


class Marked(Record[Any]):
    """A distribution of a program with parameters: its density may depend on them."""

    __slots__ = ("trainable",)
    trainable: ParamSet


class ParamSite(NamedTuple):
    """The density of one site of a finished execution. role: whether the program with the parameters is what was run
    ("p"), or a guide that ran in step with it ("q")."""

    trace: Trace
    address: Address
    role: Role


class ParamSet:
    """The parameters of a program, learnt as real numbers.

        @program
        async def guide():
            loc = await param("loc", 0.0)
            scale = await param("scale", 1.0, constraint=dist.constraints.positive)
            await sample(dist.Normal(loc, scale), "x")

        params = ParamSet(guide())
        params.program                      # the guide, with its parameters as they are now
        params.value("scale")

    `program` can be run, and guide other programs, wherever the parameters come from. Its distributions have the set as
    their `trainable`; what `gradient` takes are the `ParamSite`s that `bind` makes of them when the execution has
    ended. A parameter exists from when the program first awaits it, and begins as its `init`. Names are strings, and
    global. Factors that depend on parameters are not differentiated.

    params: {name: float32 array}, unconstrained: NumPyro's bijection to the constraint makes the value of them.
    supports: name -> a distribution of which only the support matters, that of the parameter.
    """

    def __init__(self, program: Any, *, name: str = "params") -> None:
        self.name = name
        self.inner = as_invocation(program)
        self.program = parameterised(self.inner, self.answer, self._mark)
        self.supports: dict[str, Record[Any]] = {}
        self._params: Arrays = {}
        self._values: dict[str, Any] = {}

    @property
    def trainables(self) -> list[Any]:
        return [self]

    @property
    def params(self) -> Arrays:
        return self._params

    @params.setter
    def params(self, new: Mapping[str, Any]) -> None:
        self._params = {name: np.asarray(u, np.float32) for name, u in new.items()}
        self._values = {}

    def restore(self, leaves: Mapping[str, Any]) -> None:
        """Take over parameters that were saved: name -> array, unconstrained."""
        self.params = leaves

    def value(self, name: str) -> Any:
        """The present value of a parameter, within its constraint: a float, or a read-only array."""
        if name not in self._values:
            if name not in self.supports:
                raise KeyError(f"{self.name}: the program has not awaited a parameter {name!r} yet")
            self._values[name] = _constrained(self.supports[name], self._params[name])
        return self._values[name]

    def answer(self, effect: Param[Any]) -> Any:
        """The value of a parameter that a program awaits. Raises ProgramError where it cannot be learnt."""
        name = effect.name
        if not isinstance(name, str):
            raise ProgramError(f"param({name!r}): the names of parameters that are learnt are strings")
        if name not in self.supports:
            self._meet(name, effect)
        return self.value(name)

    def bind(self, member: Any, trace: Trace, address: Address, role: Role) -> ParamSite:
        """What stands for a distribution of a finished execution in `gradient`."""
        return ParamSite(trace, address, role)

    def gradient(self, members: Sequence[ParamSite], values: Sequence[Any], weights: Floats) -> Arrays:
        """sum_i w_i grad log f_i, like `params`; f_i is the density of the member at the value that its trace has."""
        from .estimators.param_score import score

        return score(self, members, weights)

    def _meet(self, name: str, effect: Param[Any]) -> None:
        init = np.asarray(effect.init)
        if init.dtype.kind not in "biuf":
            raise ProgramError(f"param({name!r}): a parameter that is learnt begins as a number or an array of "
                               f"numbers, got {effect.init!r:.60}")
        constraint = dist.constraints.real if effect.constraint is None else effect.constraint
        support = dist.ImproperUniform(constraint, (), init.shape)
        u = _unconstrained(support, init)
        if not np.isfinite(u).all():
            raise ProgramError(f"param({name!r}): its first value {effect.init!r:.60} is not inside {constraint!r}")
        self.supports = self.supports | {name: support}
        if name not in self._params:  # read from a file, perhaps
            self._params = self._params | {name: u}

    def _mark(self, d: Any) -> Any:
        if type(d) is not Record:
            return d
        marked = Marked(d.maker, d.names, d.args)
        marked.trainable = self
        return marked


def _unconstrained(support: Record[Any], value: Any) -> NDArray[np.float32]:
    from numpyro.distributions import biject_to  # type: ignore[import-untyped]

    return np.asarray(biject_to(support.numpyro().support).inv(np.asarray(value, np.float32)), np.float32)


def _constrained(support: Record[Any], u: NDArray[np.float32]) -> Any:
    from numpyro.distributions import biject_to

    value = np.asarray(biject_to(support.numpyro().support)(u))
    return float(value) if value.ndim == 0 else value
