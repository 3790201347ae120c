"""`Chains`: how the draws of a posterior lie in chains, and how its moves fared."""

from __future__ import annotations

from dataclasses import dataclass

from .chain import Tally


@dataclass(frozen=True)
class Chains:
    """chains, draws: the traces of a posterior are `chains` blocks of `draws` each, one block a chain, oldest first.
    tally: tries and acceptances of every move. claim: "posterior", or "optimisation" where the chain was annealed and
    its states represent no distribution."""

    chains: int
    draws: int
    tally: Tally
    claim: str = "posterior"

    def acceptance(self) -> dict[str, float]:
        """Move -> fraction of its proposals that were accepted, over all chains and kept steps."""
        return {name: self.tally.accepted[name] / n for name, n in self.tally.tried.items()}

    def acceptance_at(self) -> dict[str, list[float]]:
        """Move -> acceptance rate by where it cut the execution, in ten equal parts; nan where it never did."""
        table = {name: [float("nan")] * 10 for name, _ in self.tally.tried_at}
        for (name, tenth), n in self.tally.tried_at.items():
            table[name][tenth] = self.tally.accepted_at[name, tenth] / n
        return table
