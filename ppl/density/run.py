"""A program run on traced values: which of its densities and factors depend on them, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from jax.core import Tracer

from ..address import Address
from ..blame import is_tracer_error
from ..dist.record import Record
from ..dist.structure import Family
from ..effects import Call, Factor, Observe, Sample, Twist
from ..errors import ProgramError, ReplayDivergence, TracedControlFlow
from ..particle import Particle
from ..tempered import _Raised
from ..trace import Site
from .depends import depends
from .families import NotContinuous, canonical, reals


class Traced(NamedTuple):
    """An operand that is traced: the result of this number of the traced run."""

    number: int


@dataclass(slots=True)
class Term:
    """A log density or factor that depends on what is traced. power: what the program itself raises it to. record: its
    distribution, whose value and leaves are the operands; None where the one operand is the amount, in nats."""

    address: Address
    kind: str
    power: float
    record: Record[Any] | None
    operands: tuple[Any, ...]


@dataclass(slots=True)
class Chosen:
    """A site that is differentiated: its address, and the family and leaves of its distribution. quantile: its value
    moves with the leaves, at a fixed quantile (`Quantile`)."""

    address: Address
    family: Family
    leaves: tuple[Any, ...]
    quantile: bool = False


class Run:
    """terms: what depends on a traced value. called: the calls that do and were made anew. constant: what all other
    sites asked for (see `asked`)."""

    def __init__(self) -> None:
        self.terms: list[Term] = []
        self.chosen: list[Chosen] = []
        self.called: set[Address] = set()
        self.constant: dict[Address, Any] = {}
        self._others: dict[Any, list[tuple[Address, Any, Any, str]]] = {}
        self._outputs: list[Any] = []
        self._number: dict[int, int] = {}

    def results(self) -> list[Any]:
        """What the traced function returns; no tracer is kept."""
        for (cls, _), members in self._others.items():
            self._score(cls, members)
        results, self._outputs, self._number, self._others = self._outputs, [], {}, {}
        return results

    def operands(self, *given: Any) -> tuple[Any, ...]:
        """What is computed with: tracers become results of the run."""
        return tuple([self._output(x) if isinstance(x, Tracer) else x for x in given])

    def _output(self, tracer: Any) -> Traced:
        number = self._number.setdefault(id(tracer), len(self._outputs))
        if number == len(self._outputs):
            self._outputs.append(tracer)
        return Traced(number)

    def factor(self, p: Particle, effect: Factor, address: Address) -> None:
        """A factor. One that depends on nothing traced is a constant; a twist is divided out in the end."""
        amount, power = effect.log_weight, 1.0
        if isinstance(amount, _Raised):
            amount, power = amount.log_weight, amount.beta
        if isinstance(amount, Tracer):
            if amount.shape != ():
                raise ProgramError(f"{p.where()}: the log-weight has shape {amount.shape}, expected one number: sum it")
            self.terms.append(Term(address, effect.kind, power, None, self.operands(amount)))

    def density(self, p: Particle, effect: Any, address: Address, value: Any) -> None:
        """A sample or observation that depends on what is traced."""
        dist, power = effect.dist, effect.power if isinstance(effect, Observe) else 1.0
        if isinstance(dist, Record):
            for name, argument in zip(dist.names, dist.args, strict=True):
                if name in dist.maker.static and isinstance(argument, Tracer):
                    raise TracedControlFlow(f"{p.where()}: {name!r} of {dist.maker.name} must be a plain value")
            operands = self.operands(value, *dist.flat()[1])
            self.terms.append(Term(address, effect.kind, power, dist, operands))
        elif hasattr(dist, "tokens"):
            raise TracedControlFlow(f"{p.where()}: JAX cannot trace a language model")
        else:
            members = self._others.setdefault((type(dist), dist.family), [])
            members.append((address, effect, value, p.where()))

    def _score(self, cls: Any, members: list[tuple[Address, Any, Any, str]]) -> None:
        """Densities of other distributions than those of NumPyro: by one call, as ever."""
        try:
            log_p = cls.log_prob([e.dist for _, e, _, _ in members], [v for _, _, v, _ in members])
        except Exception as error:
            raise untraceable(error, members[0][3], f"JAX cannot trace {cls.__name__}.log_prob") from error
        for (address, effect, _, _), amount in zip(members, log_p, strict=True):
            power = effect.power if isinstance(effect, Observe) else 1.0
            self.terms.append(Term(address, effect.kind, power, None, self.operands(amount)))


def run_traced(
    p: Particle, sites: Mapping[Address, Site], chosen: Mapping[Address, Any], given: Mapping[Address, Any], *,
    again: frozenset[Any] | None,
) -> Run:
    """Run a new particle on the recorded values of `sites`, with tracers for some.

    chosen: the tracers of the sites that are differentiated. given: of others. again: the names of calls that are made
    anew if they depend on what is traced; None for all. Raises TracedControlFlow where the program, or what it calls,
    needs a number of what is traced, NotContinuous for a chosen site without a gradient.
    """
    run = Run()
    while (effect := p.pending) is not None:
        address = p.address
        site = sites.get(address)
        if site is None or site.kind != effect.kind:
            raise ReplayDivergence(f"{p.where()} is not in the execution that the density is of: a program must be a "
                                   "function of the values its effects returned")
        value = given.get(address, site.value)
        if isinstance(effect, Factor):
            if not isinstance(effect, Twist):
                run.factor(p, effect, address)
            p.resume(None)
        elif isinstance(effect, Call):
            if (again is None or effect.name in again) and depends(effect.args):
                run.called.add(address)
                value = _call(p, effect)
            elif not depends(effect.args):
                run.constant[address] = asked(effect)
            p.resume(value)
        else:
            assert isinstance(effect, (Sample, Observe))
            if address in chosen:
                value = chosen[address]
                run.chosen.append(_choose(run, p, effect, address))
            scored = effect.value if isinstance(effect, Observe) else value
            if depends(effect.dist) or depends(scored):
                run.density(p, effect, address, scored)
            else:
                run.constant[address] = asked(effect)
            p.resume(value, sub=site.sub)
    return run


def asked(effect: Any) -> Any:
    """What a site asks for, apart from a latent value: a distribution, one and the observed value, the arguments of a
    call."""
    if isinstance(effect, Call):
        return effect.args
    return (effect.dist, effect.value) if isinstance(effect, Observe) else effect.dist


def untraceable(error: Exception, where: str, why: str) -> Exception:
    """The error to raise for one of a function that was given tracers."""
    if is_tracer_error(error) or "Tracer" in str(error):
        return TracedControlFlow(f"{where}: {why}")
    error.add_note(f"(raised at {where})")
    return error


def _call(p: Particle, effect: Call[Any]) -> Any:
    try:
        return effect.fn(*effect.args)
    except Exception as error:
        name = getattr(effect.fn, "__name__", effect.fn)
        raise untraceable(error, p.where(), f"JAX cannot trace {name!r}") from error


def _choose(run: Run, p: Particle, effect: Any, address: Address) -> Chosen:
    dist = effect.dist
    if not isinstance(dist, Record):
        raise _not_continuous(p, dist, "it is no distribution of steersman.ppl.dist")
    family = canonical(dist.family)
    try:
        reals(family)
    except NotContinuous as error:
        raise _not_continuous(p, dist, str(error)) from error
    return Chosen(address, family, run.operands(*dist.flat()[1]))


def _not_continuous(p: Particle, dist: Any, why: str) -> NotContinuous:
    return NotContinuous(f"{p.where()}: no gradient moves {dist!r:.60}: {why}. Move it by site(), or by conditional() "
                         "if its support is finite")
