"""What stands for one NumPyro name: it checks and binds arguments, makes records, and later the NumPyro object."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .record import Record

Parameters = tuple[inspect.Parameter, ...]

_PLANS = 256  # ways of passing keywords remembered by one maker
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Maker:
    """Calling it makes a `Record`, in about a microsecond: no JAX, no validation of values.

    static: parameters whose values are structure (sizes, flags): records share a compiled evaluation only if these
    are equal. integer: parameters that must reach NumPyro as integers; other numbers travel as floats.
    """

    def __init__(
        self, name: str, parameters: Parameters, static: frozenset[str], integer: frozenset[str], target: Any = None
    ) -> None:
        self.__name__ = self.name = name
        self.parameters, self.static, self.integer = parameters, static, integer
        self._target = target
        self.validates = any(p.name == "validate_args" for p in parameters)
        positional = tuple(p.name for p in parameters if p.kind in _POSITIONAL)
        required = sum(p.default is p.empty for p in parameters)
        self.prefixes = {n: positional[:n] for n in range(required, len(positional) + 1)}
        self._plans: dict[tuple[Any, ...], tuple[tuple[str, ...], tuple[int, ...]]] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Record[Any]:
        if not kwargs:
            names = self.prefixes.get(len(args))
            if names is None:
                raise self._mismatch(args, kwargs)
            return Record(self, names, args)
        shape = (len(args), *kwargs)
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._plan(shape, args, kwargs)
        values = (*args, *kwargs.values())
        return Record(self, plan[0], tuple([values[i] for i in plan[1]]))

    def _plan(
        self, shape: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Names in the order of the signature, and where each stands among the values given."""
        try:
            bound = inspect.Signature(self.parameters).bind(*args, **kwargs).arguments
        except TypeError:
            raise self._mismatch(args, kwargs) from None
        given = list(kwargs)
        order = tuple(i if n not in kwargs else len(args) + given.index(n) for i, n in enumerate(bound))
        plan = tuple(bound), order
        if len(self._plans) < _PLANS:
            self._plans[shape] = plan
        return plan

    def _mismatch(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError:
        try:
            inspect.Signature(self.parameters).bind(*args, **kwargs)
            reason = "wrong arguments"
        except TypeError as error:
            reason = str(error)
        shown = ", ".join(
            p.name if p.default is p.empty else f"{p.name}={p.default!r}"
            for p in self.parameters
            if p.name != "validate_args"
        )
        return TypeError(f"{self.name}: {reason}; its parameters are {self.name}({shown})")

    def construct(self, arguments: dict[str, Any], validate: bool) -> Any:
        """The NumPyro object. validate: let NumPyro check the parameters (it raises ValueError)."""
        if self.validates and not validate:
            arguments.setdefault("validate_args", False)
        return self.target(**arguments)

    @property
    def target(self) -> Callable[..., Any]:
        """The NumPyro class or function of this name; imported when first wanted."""
        if self._target is None:
            import numpyro.distributions as numpyro_dist  # type: ignore[import-untyped]

            self._target = getattr(numpyro_dist, self.name)
        return self._target  # type: ignore[no-any-return]

    def show(self, names: tuple[str, ...], shown: list[str]) -> str:
        """How a record reads; arguments that could have been positional are."""
        prefix = self.prefixes.get(len(names))
        if names != prefix:
            shown = [f"{n}={s}" for n, s in zip(names, shown, strict=True)]
        return f"{self.name}({', '.join(shown)})"

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, Record) and instance.maker is self

    def __reduce__(self) -> Any:
        from .names import lookup

        return lookup, (self.name,)

    def __repr__(self) -> str:
        return f"<distribution {self.name}>"
