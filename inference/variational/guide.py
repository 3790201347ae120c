"""`Guide`: what draws in place of the program, and its parameters."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from steersman.ppl.effects import Invocation
from steersman.ppl.guided import SiteGuide, guided
from steersman.ppl.program import Program, as_invocation, required
from steersman.ppl.trainable import Trainable

from .param_set import ParamSet
from .storage import read_params, write_params


class Guide:
    """A guide program or a site guide, with the trainables whose parameters it depends on.

        guide = Guide(storyteller(adapted), adapted)
        infer(story(lm), VI(guide, 300))
        infer(story(lm), SMC(64, proposal=guide))
        guide.save("guide/");  guide.load("guide/")

    proposer: a program call that runs in step with the program (see `guided`), whose `param`s are learnt; a program
    that needs arguments, which gets those of the program, for data sets (`param`s are not learnt there: use a
    `Family`); or a `SiteGuide`, such as an automatic guide. None where the program has learnt proposals of its own
    (``sample(..., proposal=family(...))``). trainables: known from the start, which `load` needs; others are added when
    training meets them.
    """

    def __init__(self, proposer: Any, *trainables: Trainable) -> None:
        called_later = isinstance(proposer, Program) and bool(required(proposer))
        if isinstance(proposer, (Program, Invocation)) and not called_later:
            proposer = ParamSet(proposer)
        if isinstance(proposer, ParamSet):
            trainables, proposer = (*trainables, proposer), proposer.program
        elif proposer is not None and not called_later and not isinstance(proposer, SiteGuide):
            raise TypeError(f"Guide({proposer!r}): expected a program, a program call, an automatic guide, or None for "
                            "proposals inside the program")
        self.proposer = proposer
        self._trainables: dict[str, Trainable] = {}
        self.add([*getattr(proposer, "trainables", ()), *trainables])

    @property
    def trainables(self) -> list[Trainable]:
        return list(self._trainables.values())

    def add(self, trainables: Iterable[Trainable]) -> None:
        """Raises ValueError where two have the same name."""
        for t in trainables:
            if self._trainables.setdefault(t.name, t) is not t:
                raise ValueError(f"two trainables are called {t.name!r}: give them different names")

    @property
    def params(self) -> dict[str, Any]:
        """name of the trainable -> its parameters."""
        return {name: t.params for name, t in self._trainables.items()}

    def applied(self, program: Any) -> Invocation[Any]:
        """The program, guided."""
        return as_invocation(program) if self.proposer is None else guided(program, self.proposer)

    def save(self, folder: str | Path) -> None:
        """Write the parameters as ``params.safetensors``."""
        write_params(Path(folder), self.params)

    def load(self, folder: str | Path) -> Guide:
        """Take over the parameters that `save` wrote; returns the guide. Raises BadParameters for trainables that the
        file does not have, has other shapes for, or has beside them. Trainables that make their parameters when they
        meet a site (they have a method ``restore``) take what there is."""
        growing = {name: t for name, t in self._trainables.items() if hasattr(t, "restore")}
        fixed = {name: params for name, params in self.params.items() if name not in growing}
        found, leaves = read_params(Path(folder), fixed, growing)
        for name, params in found.items():
            self._trainables[name].params = params
        for name, t in growing.items():
            t.restore(leaves[name])
        return self

    def __repr__(self) -> str:
        return f"<Guide {self.proposer!r}: {', '.join(self._trainables) or 'no parameters yet'}>"


def as_guide(guide: Any) -> Guide:
    return guide if isinstance(guide, Guide) else Guide(guide)
