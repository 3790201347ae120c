"""The end of a run: what is printed and written, and the status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .exits import ALL_DEAD, INTERRUPTED, OK, PROBLEMS, USAGE
from .record import print_json, record
from .terminal import console, fail, note

if TYPE_CHECKING:
    from steersman.inference import ImpossibleStart, Posterior
    from steersman.ppl import AllParticlesDead

INTERRUPTION = "interrupted"
"""How `posterior.stopped` begins after Ctrl-C."""


@dataclass(frozen=True)
class Output:
    """What the options of `run` ask for. more: said in the JSON object beside the posterior."""

    as_json: bool
    top: int
    out: Path | None
    report: Path | None
    more: Mapping[str, Any]

    def check(self) -> None:
        """Leaves with status 2 where files could not be written at the end of a long run."""
        for option, path in (("--out", self.out), ("--report", self.report)):
            if path is not None and (path.is_dir() or not path.resolve().parent.is_dir()):
                fail(f"{option} {path}: no file can be written there", USAGE)

    def finish(self, posterior: Posterior) -> int:
        """Print and write a posterior; the status."""
        if self.as_json:
            print_json(record(posterior, **self.more))
        else:
            _print(posterior, self.top)
        saved = self._write(posterior)
        if posterior.stopped is not None and posterior.stopped.startswith(INTERRUPTION):
            return INTERRUPTED
        return OK if saved else PROBLEMS

    def dead(self, error: AllParticlesDead | ImpossibleStart) -> int:
        """Say where all particles died; write what there is of a posterior."""
        posterior = getattr(error, "posterior", None)
        if self.as_json:
            told = {**self.more, "error": str(error), "killed": error.killed}
            print_json(told if posterior is None else {**record(posterior), **told})
        note(f"error: {error}\n\nkilled by:")
        for site, n in sorted(error.killed.items(), key=lambda kv: -kv[1]):
            note(f"{n:>7,}  {site}")
        if posterior is not None:
            self._write(posterior)
        return ALL_DEAD

    def problem(self, error: Exception) -> int:
        """Say what is wrong with the program, or how it failed."""
        diagnostics = getattr(error, "diagnostics", ())
        if self.as_json:
            print_json({**self.more, "error": str(error), "diagnostics": [d.to_json() for d in diagnostics]})
        note(str(error) if diagnostics else f"error: {error}")
        return PROBLEMS

    def _write(self, posterior: Posterior) -> bool:
        try:
            if self.out is not None:
                posterior.save(self.out)
            if self.report is not None:
                posterior.report(self.report)
        except (OSError, TypeError) as error:
            note(f"error: the result could not be written: {error}")
            return False
        return True


def _print(posterior: Posterior, top: int) -> None:
    from steersman.inference.posterior.summary import footer, table

    console().print(table(posterior, top))
    typer.echo(f"\n{footer(posterior)}")
