"""Names to makers. The few laws that NumPy evaluates are known without NumPyro; any other name imports it."""

from __future__ import annotations

import difflib
import inspect
from functools import cache, lru_cache
from typing import Any

from .maker import Maker, Parameters

_EMPTY = inspect.Parameter.empty
_KIND = inspect.Parameter.POSITIONAL_OR_KEYWORD
_VALIDATE = inspect.Parameter("validate_args", inspect.Parameter.KEYWORD_ONLY, default=None)

# Signatures of the laws of `scalars` and `categorical`, as NumPyro writes them (a test compares the two).
KNOWN: dict[str, dict[str, Any]] = {
    "Bernoulli": {"probs": None, "logits": None},
    "BernoulliLogits": {"logits": _EMPTY},
    "BernoulliProbs": {"probs": _EMPTY},
    "Categorical": {"probs": None, "logits": None},
    "CategoricalLogits": {"logits": _EMPTY},
    "CategoricalProbs": {"probs": _EMPTY},
    "Delta": {"v": 0.0, "log_density": 0.0, "event_dim": 0},
    "DiscreteUniform": {"low": 0, "high": 1},
    "Normal": {"loc": 0.0, "scale": 1.0},
    "Uniform": {"low": 0.0, "high": 1.0},
}
_KNOWN_STATIC = {"Delta": frozenset({"event_dim"})}
_KNOWN_INTEGER = {"DiscreteUniform": frozenset({"low", "high"}), "Delta": frozenset({"v"})}

# NumPyro's functions choose a class by their arguments, so they declare no constraints of their own.
_FUNCTION_STATIC = {"Multinomial": frozenset({"total_count", "total_count_max"})}
_FUNCTION_INTEGER = {"Binomial": frozenset({"total_count"})}

_PASSED_THROUGH = ("biject_to", "constraints", "transforms")
_NOT_MIRRORED = ("kl_divergence", *_PASSED_THROUGH)


def lookup(name: str) -> Any:
    """The maker called `name`, or NumPyro's own object for `constraints`, `transforms` and `biject_to`.

    Raises AttributeError, with the closest names, for what `numpyro.distributions` does not have.
    """
    if name.startswith("_"):
        raise AttributeError(f"steersman.ppl.dist has no attribute {name!r}")
    return _lookup(name)


@cache  # bounded by the names there are: a failure is not remembered
def _lookup(name: str) -> Any:
    if name in KNOWN:
        parameters = tuple(inspect.Parameter(p, _KIND, default=d) for p, d in KNOWN[name].items())
        none: frozenset[str] = frozenset()
        return Maker(name, (*parameters, _VALIDATE), _KNOWN_STATIC.get(name, none), _KNOWN_INTEGER.get(name, none))
    if name == "Distribution":
        from ..protocols import Distribution

        return Distribution
    if name not in public_names():
        hint = difflib.get_close_matches(name, public_names(), 3)
        advice = f"; did you mean {' or '.join(hint)}?" if hint else ""
        raise AttributeError(f"steersman.ppl.dist has no distribution {name!r}{advice}")
    import numpyro.distributions as numpyro_dist  # type: ignore[import-untyped]

    target = getattr(numpyro_dist, name)
    return target if name in _PASSED_THROUGH else _mirror(name, target)


@lru_cache(maxsize=1)
def public_names() -> tuple[str, ...]:
    """Every name that this module answers to; imports NumPyro."""
    import numpyro.distributions as numpyro_dist

    mirrored = (n for n in numpyro_dist.__all__ if n not in _NOT_MIRRORED)
    return (*sorted(mirrored), *_PASSED_THROUGH)


def _mirror(name: str, target: Any) -> Maker:
    """Read the signature, the static and the integer parameters off a NumPyro class or function."""
    parameters: Parameters = tuple(inspect.signature(target).parameters.values())
    static = set(_FUNCTION_STATIC.get(name, ())) | {p.name for p in parameters if _sizes(p.annotation)}
    integer = set(_FUNCTION_INTEGER.get(name, ()))
    if hasattr(target, "arg_constraints"):
        static |= {p.name for p in parameters if p.name in target.gather_pytree_aux_fields()}
        integer |= {p for p, c in target.arg_constraints.items() if _integers(c)}
    return Maker(name, parameters, frozenset(static), frozenset(integer), target)


def _sizes(annotation: Any) -> bool:
    """Whether an annotation promises a size or a shape, which must be known when the evaluation is compiled."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return text in ("int", "Optional[int]") or text.startswith("tuple[")


def _integers(constraint: Any) -> bool:
    try:
        return bool(constraint.is_discrete)
    except NotImplementedError:
        return False
