"""`Chains`: how the draws of a posterior lie in chains, and how its moves fared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from .chain import Tally

OPTIMISATION = "annealed: the states are candidates for the mode, not draws from a posterior"


@dataclass(frozen=True)
class Chains:
    """chains, draws: the traces of a posterior are `chains` blocks of `draws` each, one block a chain, oldest first.
    tally: tries and acceptances of every move. claim: "posterior", or "optimisation" where the chain was annealed and
    its states represent no distribution. scores: there, the density of each trace by which the best is found, in
    nats."""

    chains: int
    draws: int
    tally: Tally
    claim: str = "posterior"
    scores: tuple[float, ...] = ()

    @property
    def optimises(self) -> bool:
        """Whether the states are no draws from a posterior."""
        return self.claim == "optimisation"

    def acceptance(self) -> dict[str, float]:
        """Move -> fraction of its proposals that were accepted, over all chains and kept steps."""
        return self.tally.acceptance()

    def acceptance_at(self) -> dict[str, list[float]]:
        """Move -> acceptance rate by where it cut the execution, in ten equal parts; nan where it never did."""
        table = {name: [float("nan")] * 10 for name, _ in self.tally.tried_at}
        for (name, tenth), n in self.tally.tried_at.items():
            table[name][tenth] = self.tally.accepted_at[name, tenth] / n
        return table

    def __str__(self) -> str:
        """For example "8 chains x 500 draws, acceptance 0.43"; the fraction is that of all proposals."""
        tried = self.tally.tried.total()
        rate = f", acceptance {self.tally.accepted.total() / tried:.2f}" if tried else ""
        return f"{_count(self.chains, 'chain')} x {_count(self.draws, 'draw')}{rate}"

    def to_json(self) -> dict[str, Any]:
        """A dict that JSON can hold; inverse of `from_json`."""
        t = self.tally
        return {
            "chains": self.chains, "draws": self.draws, "claim": self.claim, "scores": list(self.scores),
            "moves": [[name, n, t.accepted[name]] for name, n in t.tried.items()],
            "cuts": [[name, tenth, n, t.accepted_at[name, tenth]] for (name, tenth), n in t.tried_at.items()],
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Chains:
        """Read what `to_json` wrote. Raises KeyError for missing fields."""
        moves, cuts = record["moves"], record["cuts"]
        tally = Tally(
            Counter({name: n for name, n, _ in moves}), Counter({name: a for name, _, a in moves}),
            Counter({(name, tenth): n for name, tenth, n, _ in cuts}),
            Counter({(name, tenth): a for name, tenth, _, a in cuts}),
        )
        return cls(record["chains"], record["draws"], tally, record["claim"], tuple(record["scores"]))


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
