"""The language of objectives: small programs over draws and log densities, read here and differentiated in `gradient`.

    def elbo(model, guide):
        x = expect(guide)
        return density(model, x) - density(guide, x)

An objective is a number to be maximised. It is a function of log densities (nats) that JAX can trace; it draws by
`expect` and asks for densities by `density`, and may not look at what was drawn in any other way. Which draws it needs
does not depend on their densities, so it is read once without numbers (`plan`), executions are made, and then it is
evaluated on what they have come to. Source: Becker et al. 2024, "Probabilistic Programming with Programmable
Variational Inference", section 3: objectives are programs over densities and expectations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from steersman.ppl.errors import SteersmanError

if TYPE_CHECKING:
    from collections.abc import Iterator

Objective = Callable[["Measure", "Measure"], Any]
Of = Literal["model", "prior", "likelihood", "guide", "redrawn"]


class BadObjective(SteersmanError, TypeError):
    """An objective that is not a function of expectations and densities."""


@dataclass(frozen=True)
class Measure:
    """What has a density. model: the program, log p(x, y), unnormalised. prior: the choices of the program alone;
    likelihood: its factors and observations alone; their log densities add up to that of the model. guide: what the
    executions were drawn from. redrawn: that, but of choices that were not imposed. frozen: no gradient flows."""

    of: Of
    frozen: bool = False


@dataclass(frozen=True)
class Draws:
    """Executions that are drawn from the guide. number: which expectation of the objective. shape: of the arrays that
    `density` gives for them. given: the number of another expectation, whose choices of the names `keep` are imposed.
    """

    number: int
    shape: tuple[int, ...]
    frozen: bool
    given: int | None = None
    keep: frozenset[Hashable] = frozenset()


@dataclass(frozen=True)
class Plan:
    """What an objective asks for: expectations, and densities as (measure, number of the expectation)."""

    draws: tuple[Draws, ...]
    densities: tuple[tuple[Measure, int], ...]


class _Reader:
    """Notes what an objective asks for. answers: the densities, in the order in which they are asked for; while there
    are none, abstract ones of the right shape."""

    def __init__(self, answers: Sequence[Any] | None = None) -> None:
        self.draws: list[Draws] = []
        self.densities: list[tuple[Measure, int]] = []
        self.answers = answers


_reader: ContextVar[_Reader | None] = ContextVar("reader", default=None)


@contextmanager
def _reading(reader: _Reader) -> Iterator[None]:
    token = _reader.set(reader)
    try:
        yield
    finally:
        _reader.reset(token)


def expect(guide: Measure, draws: int | None = None) -> Draws:
    """Independent executions drawn from the guide; their densities are arrays [draws], one number where it is None.

    The gradient of an expectation flows through what is drawn, unless the guide is `frozen`.
    """
    if not isinstance(guide, Measure) or guide.of != "guide":
        raise BadObjective(f"expect({guide!r}): draws come from the guide; weigh them by density(model, x) - "
                           "density(guide, x) for expectations under the model")
    return _drawn(() if draws is None else (_whole("expect", draws),), guide.frozen)


def density(measure: Measure, x: Draws) -> Any:
    """The log densities (nats) of executions, an array of their shape."""
    reader = _current("density")
    if not isinstance(measure, Measure) or not isinstance(x, Draws):
        raise BadObjective(f"density({measure!r}, {x!r}): expected a measure (model, guide, prior(model), ...) and "
                           "what expect() returned")
    reader.densities.append((measure, x.number))
    if reader.answers is None:
        import jax.numpy as jnp

        return jnp.zeros(x.shape)
    return reader.answers[len(reader.densities) - 1]


def marginal(measure: Measure, x: Draws, names: str | Sequence[Hashable], guide: Measure, draws: int = 8) -> Any:
    """Estimates of the log density of the choices of these names alone, all others integrated out:

        log 1/M sum_m p(x_names, z_m) / q(z_m | x_names),   z_m ~ guide,

    the log of an unbiased estimate, hence below the log marginal on average (Burda et al. 2016).
    """
    keep = frozenset([names] if isinstance(names, str) else names)
    z = _drawn((*x.shape, _whole("marginal", draws)), guide.frozen, x.number, keep)
    return log_mean_exp(density(measure, z) - density(Measure("redrawn", guide.frozen), z))


def frozen(measure: Measure) -> Measure:
    """The same measure, its parameters held fixed."""
    return replace(measure, frozen=True)


def prior(model: Measure) -> Measure:
    """The choices of the program, without its factors and observations."""
    return replace(_model("prior", model), of="prior")


def likelihood(model: Measure) -> Measure:
    """The factors and observations of the program: its log reward."""
    return replace(_model("likelihood", model), of="likelihood")


def normalise(log_weights: Any) -> Any:
    """W = w / sum w over the last axis (over draws); zero where all of them are impossible."""
    import jax.numpy as jnp

    peak = log_weights.max(-1, keepdims=True)
    w = jnp.exp(log_weights - jnp.where(peak == -jnp.inf, 0.0, peak))
    total = w.sum(-1, keepdims=True)
    return w / jnp.where(total == 0, 1.0, total)


def log_mean_exp(x: Any) -> Any:
    """log of the mean of exp(x) over the last axis."""
    import jax

    return jax.nn.logsumexp(x, axis=-1) - math.log(x.shape[-1])


# --- reading an objective ---------------------------------------------------------------------------------------------

MODEL, GUIDE = Measure("model"), Measure("guide")


def plan(objective: Objective) -> Plan:
    """What an objective asks for. Raises BadObjective if its value is no number, or it draws nothing."""
    import jax
    import jax.numpy as jnp

    reader = _Reader()

    def read() -> Any:
        with _reading(reader):
            return jnp.asarray(objective(MODEL, GUIDE))

    found = jax.eval_shape(read)
    name = getattr(objective, "__name__", repr(objective))
    if found.shape != () or not jnp.issubdtype(found.dtype, jnp.floating):
        raise BadObjective(f"objective {name}: its value has shape {found.shape} and type {found.dtype}, expected one "
                           "number: take the mean over draws")
    if not reader.densities:
        raise BadObjective(f"objective {name} asks for no density: it has no gradient")
    return Plan(tuple(reader.draws), tuple(reader.densities))


def value(objective: Objective, answers: Sequence[Any]) -> Any:
    """The objective on these densities, in the order of `Plan.densities`."""
    import jax.numpy as jnp

    with _reading(_Reader(answers)):
        return jnp.asarray(objective(MODEL, GUIDE))


def _drawn(
    shape: tuple[int, ...], is_frozen: bool, given: int | None = None, keep: frozenset[Hashable] = frozenset()
) -> Draws:
    reader = _current("expect")
    found = Draws(len(reader.draws), shape, is_frozen, given, keep)
    reader.draws.append(found)
    return found


def _current(verb: str) -> _Reader:
    reader = _reader.get()
    if reader is None:
        raise BadObjective(f"{verb}() is for objectives: pass a function of (model, guide) to fit or VI")
    return reader


def _model(verb: str, model: Measure) -> Measure:
    if not isinstance(model, Measure) or model.of != "model":
        raise BadObjective(f"{verb}({model!r}): expected the model")
    return model


def _whole(verb: str, draws: int) -> int:
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
        raise BadObjective(f"{verb}(draws={draws!r}): expected a whole number, at least 1")
    return draws
