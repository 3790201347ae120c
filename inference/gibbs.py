"""Gibbs sampling by any kernels: each changes some sites, the others given."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from steersman.ppl.address import format_address
from steersman.ppl.errors import SteersmanError

from .chain import Chain
from .chain.start import Start
from .hamiltonian import told
from .kernels.choices import matches
from .kernels.combine import Cycle
from .kernels.kernel import Kernel
from .kernels.nuts import Hamiltonian
from .kernels.suffix import Suffix
from .mcmc import MCMC, MCMCState
from .posterior import Posterior
from .run import Run


class NeverChanged(SteersmanError, ValueError):
    """A choice that no kernel would ever change."""


class Gibbs(MCMC):
    """Each step applies every kernel to its own sites, in order:  K = K_1 K_2 ... K_m.

        infer(judge(lm), Gibbs({("a", "b"): nuts(), "topic": conditional(), "text": suffix()}, 8, 500))

    kernels: names of sites (one, an address, or a tuple of them) -> kernel; the names take the place of the kernel's
    own. A name means the sites of that name and all that is in scopes of that name. Every choice of the program must be
    named (NeverChanged says which is not). chains, steps, warmup, thin, init: as in `MCMC`. Source: Geman & Geman 1984;
    Tierney 1994, section 2.4. Cost: the sum of the kernels'.
    """

    def __init__(
        self, kernels: Mapping[Any, Kernel], chains: int, steps: int, *, warmup: int | None = None, thin: int = 1,
        init: Start = "prior",
    ) -> None:
        if not isinstance(kernels, Mapping) or not kernels:
            raise TypeError("Gibbs takes a dict of names and kernels, such as Gibbs({'topic': conditional(), 'text': "
                            f"suffix()}}, chains, steps); got {kernels!r:.60}")
        bad = next(((k, v) for k, v in kernels.items() if not isinstance(v, Kernel)), None)
        if bad is not None:
            raise TypeError(f"Gibbs: {bad[0]!r} takes a kernel such as site(), nuts() or conditional(); got {bad[1]!r}")
        self.kernels = [(_names(key), kernel.on(_names(key))) for key, kernel in kernels.items()]
        super().__init__(Cycle([k for _, k in self.kernels]), chains, steps, warmup=warmup, thin=thin, init=init)

    def _check(self, chains: Sequence[Chain]) -> None:
        super()._check(chains)
        for chain in chains:
            self._check_all_named(chain)

    def _check_all_named(self, chain: Chain) -> None:
        """What follows a suffix is drawn anew with it, and needs no kernel of its own."""
        redrawn = False
        for address in chain.trace.choice_sites():
            meant = [kernel for names, kernel in self.kernels if matches(names, address)]
            redrawn = redrawn or any(isinstance(part, Suffix) for kernel in meant for part in kernel.parts())
            if not meant and not redrawn:
                raise NeverChanged(f"Gibbs: no kernel changes {format_address(address)!r}, so it would keep its first "
                                f"value for ever: add {address[-2]!r}: site(), or observe it")

    def result(self, run: Run, state: MCMCState) -> Posterior:
        posterior = super().result(run, state)
        info = {}
        for kernel in self.kernel.parts():
            memories = [c.memory[kernel] for c in state.chains if kernel in c.memory]
            if isinstance(kernel, Hamiltonian) and memories:
                info[kernel.name] = told(memories)
        return replace(posterior, info=info)


def _names(key: Any) -> tuple[Hashable, ...]:
    return key if isinstance(key, tuple) else (key,)
