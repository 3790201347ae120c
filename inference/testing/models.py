"""Oracle models: programs over small tables whose posteriors can be summed exactly, and that are hard on samplers.

Easy models miss bugs. These have texts of variable length with an end-of-text token, particles that die early and
particles that finish early, strong factors that disagree with the final one, and one target reached in several ways
(from the prior, from masked and tempered proposals, under a twist that misleads).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from steersman.models import TableLM
from steersman.ppl.effects import Invocation

from ..enumerate import Enumerate
from ..infer import infer
from ..posterior.posterior import Posterior, _hashable
from .programs import coins, crossroads, letters, sentence, stanza, telegram

Statistic = Callable[[Any], float]
Wrap = Callable[[TableLM], TableLM]


def unwrapped(lm: TableLM) -> TableLM:
    return lm


@dataclass(frozen=True, eq=False)
class OracleModel:
    """A program with a finite posterior, and the statistics by which samplers are compared with it.

    build: makes the program call, passing every language model through its argument; an oracle that has to watch the
    draws (`measure`) wraps them there. statistics: functions f of the return value; oracles compare E[Zhat f] with
    Z E[f].

        OracleModel.of(my_program(lm), length=len)
    """

    name: str
    build: Callable[[Wrap], Invocation[Any]]
    statistics: Mapping[str, Statistic] = field(default_factory=dict)

    @classmethod
    def of(cls, program: Invocation[Any], **statistics: Statistic) -> OracleModel:
        """Any program whose choices are finite; the indicators of its five most probable values are added."""
        model = cls(str(program.name), lambda wrap: program)
        likely = list(model.exact.probabilities())[:5]
        indicators = {f"is {value!r:.30}": _indicator(value) for value in likely}
        return cls(model.name, model.build, {**statistics, **indicators})

    @property
    def program(self) -> Invocation[Any]:
        return self.build(unwrapped)

    @cached_property
    def exact(self) -> Posterior:
        """The posterior by enumeration."""
        return infer(self.program, Enumerate())

    @cached_property
    def support(self) -> frozenset[Any]:
        """The values of positive probability."""
        return frozenset(self.exact.probabilities())

    def statistics_of(self, value: Any) -> tuple[float, ...]:
        """Every statistic of a value; zeros for a value that the model cannot return (`structure` counts those)."""
        if _hashable(value) not in self.support:
            return (0.0,) * len(self.statistics)
        return tuple(f(value) for f in self.statistics.values())

    def __repr__(self) -> str:
        return f"OracleModel({self.name!r})"


def _indicator(value: Any) -> Statistic:
    return lambda v: float(_hashable(v) == value)


def sentence_statistics() -> dict[str, Statistic]:
    """Statistics of a tuple of tokens: its length, what is in it, how it begins and ends."""
    return {
        "empty": lambda v: float(not v),
        "length": lambda v: float(len(v)),
        "odd": lambda v: float(len(v) % 2),
        "ones": lambda v: float(v.count(1)),
        "threes": lambda v: float(v.count(3)),
        "begins with 2": lambda v: float(v[:1] == (2,)),
        "ends with 3": lambda v: float(v[-1:] == (3,)),
    }


def text_statistics() -> dict[str, Statistic]:
    """Statistics of a pair of texts: their lengths and how they ended."""
    return {
        "tokens": lambda v: float(len(v[0].tokens)),
        "stopped": lambda v: float(v[0].finish == "stop"),
        "cut": lambda v: float(v[0].finish == "length"),
        "second": lambda v: float(len(v[1].tokens)),
        "second ended": lambda v: float(v[1].finish == "eos"),
        "a in second": lambda v: float("a" in v[1]),
    }


def sentence_model(how: str = "prior", *, seed: int = 3, length: int = 4, vocab_size: int = 4) -> OracleModel:
    """The hard sentence: no token twice in a row, strong step factors that the final factor contradicts.

    how: "prior", "proposal" (masked, tempered) or "twist"; the target is the same.
    """
    lm = TableLM.random(vocab_size, seed=seed, scale=1.2)
    return OracleModel(f"sentence/{how}", lambda wrap: sentence(wrap(lm), how, length), sentence_statistics())


def crossroads_model(*, seed: int = 13) -> OracleModel:
    """Executions that finish at once, die at once, or go on for five rounds."""
    lm = TableLM.random(4, seed=seed, scale=0.8)
    return OracleModel("crossroads", lambda wrap: crossroads(wrap(lm)), sentence_statistics())


def stanza_model(form: str = "sub", *, seed: int = 5) -> OracleModel:
    """Lines of tokens in one scope ("flat"), in sub-programs ("sub") or in an `unfold` ("unfold"): one and the same."""
    lm = TableLM.random(3, seed=seed, scale=1.0)
    statistics: dict[str, Statistic] = {
        "length": lambda v: float(sum(map(len, v))),
        "first line": lambda v: float(len(v[0])),
        "last line": lambda v: float(len(v[-1])),
        "ones": lambda v: float(sum(line.count(1) for line in v)),
    }
    return OracleModel(f"stanza/{form}", lambda wrap: stanza(wrap(lm), form), statistics)


def letters_model(how: str = "proposal", *, seed: int = 6) -> OracleModel:
    """Two texts with a stop string, an end-of-text token and a length limit, the first from another prompt and model
    ("proposal") or from its own ("prior"), the second judged by an observation under a third model."""
    lm, draft, critic = (TableLM.random(4, seed=seed + i, scale=1.0) for i in range(3))
    return OracleModel(
        f"letters/{how}", lambda wrap: letters(wrap(lm), wrap(draft), wrap(critic), how), text_statistics()
    )


def telegram_model(mode: str = "emission", *, seed: int = 7) -> OracleModel:
    """A process reward at every token, as factors ("emission") or as a twist with a final reward ("telescoping")."""
    lm = TableLM.random(3, seed=seed, scale=0.7)
    return OracleModel(f"telegram/{mode}", lambda wrap: telegram(wrap(lm), mode), sentence_statistics())


def coins_model(count: int = 3) -> OracleModel:
    """Fair coins that must all show heads: Z = 2^-count, and half of the particles die at every toss."""
    fair = TableLM([0.0, 0.0], eos=None, vocabulary=["t", "h"])
    return OracleModel(f"coins/{count}", lambda wrap: coins(wrap(fair), count), {"heads": lambda v: float(sum(v))})


def small_model(how: str = "prior") -> OracleModel:
    """A sentence of at most two tokens out of three: small enough to sum over all random choices of a sampler."""
    return sentence_model(how, seed=10, length=2, vocab_size=3)


def oracle_models() -> list[OracleModel]:
    """All of them: what a new method should be tried on."""
    return [
        *(sentence_model(how) for how in ("prior", "proposal", "twist")),
        crossroads_model(),
        *(stanza_model(form) for form in ("flat", "sub", "unfold")),
        letters_model("prior"),
        letters_model("proposal"),
        telegram_model("emission"),
        telegram_model("telescoping"),
        coins_model(),
    ]
