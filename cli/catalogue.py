"""Every method of inference by the name it has on the command line, with its options."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

NAMES = (
    "SMC", "Importance", "Enumerate", "Rejection", "QuasiRejection", "BestOf", "MH", "ParticleGibbs",
    "ParticleMarginalMH", "Gibbs", "MCMC", "NUTS", "HMC", "ParallelTempering", "TemperedSMC", "NestedSampling", "VI",
)
POPULATION = ("particles", "samples", "n", "live_points", "chains")
"""What `--particles` sets: the first of these that a method has."""
DEFAULTS: dict[str, Any] = {
    "particles": 64, "samples": 64, "n": 64, "live_points": 64, "chains": 4, "steps": 500, "sweeps": 100,
    "betas": (0.1, 0.25, 0.5, 1.0), "guide": "auto",
}
"""What the command gives an argument that the class requires."""


@dataclass(frozen=True)
class Option:
    """An argument of a method. type: its annotation. needed: the class has no default. default: that of the class, else
    that of the command."""

    name: str
    type: str
    needed: bool
    default: Any

    @property
    def required(self) -> bool:
        """Whether the user must give it."""
        return self.needed and self.name not in DEFAULTS

    def __str__(self) -> str:
        return f"{self.name}: {self.type}" + ("" if self.required else f" = {_shown(self.default)}")


@dataclass(frozen=True)
class Method:
    """name: on the command line. python: of the class in `steersman.inference`."""

    name: str
    python: str

    @property
    def make(self) -> Any:
        import steersman.inference

        return getattr(steersman.inference, self.python)

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.make) or ""

    @property
    def line(self) -> str:
        """The first paragraph of its documentation, which often is its equation."""
        return " ".join(self.doc.split("\n\n")[0].split()).rstrip(":")

    @property
    def options(self) -> dict[str, Option]:
        found = {}
        for p in inspect.signature(self.make).parameters.values():
            needed = p.default is p.empty
            default = DEFAULTS.get(p.name) if needed else p.default
            found[p.name] = Option(p.name, str(p.annotation), needed, default)
        return found

    @property
    def population(self) -> str | None:
        """The argument that `--particles` sets, if there is one."""
        options = self.options
        return next((name for name in POPULATION if name in options), None)


def all_methods() -> list[Method]:
    return [Method(_kebab(name), name) for name in NAMES]


def find(name: str) -> Method | None:
    """The method of a name, in any case, with or without hyphens: smc, particle-gibbs, ParticleGibbs."""
    return next((m for m in all_methods() if _plain(m.name) == _plain(name)), None)


def beginning(incomplete: str) -> list[str]:
    """The names that begin so, for the completion of the shell."""
    return [m.name for m in all_methods() if m.name.startswith(incomplete.lower())]


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _shown(value: Any) -> str:
    return value.__name__ if callable(value) and hasattr(value, "__name__") else str(value)
