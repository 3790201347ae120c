"""The table at the end of a run."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .posterior import Posterior


def summarise(posterior: Posterior, limit: int = 10, width: int = 100) -> str:
    """The most probable values with their probability, then log Z, ESS and cost, as plain text."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=True, header_style="")
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("value", overflow="fold")
    probabilities = posterior.probabilities() if posterior.weights.any() else {}
    for value, p in list(probabilities.items())[:limit]:
        table.add_row(f"{p:.4f}", str(value).strip() if isinstance(value, str) else repr(value))
    if len(probabilities) > limit:
        table.add_row("", f"... and {len(probabilities) - limit} more")
    if not probabilities:
        table.add_row("-", "no particle has finished with positive weight")
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, markup=False, highlight=False).print(table)
    lines = [line.rstrip() for line in out.getvalue().rstrip().split("\n")]
    return "\n".join([*lines, "", footer(posterior)])


def footer(posterior: Posterior) -> str:
    """One line: log Z with its standard error, ESS, cost."""
    c = posterior.cost
    error = posterior.log_evidence_error
    shown = "exact" if error == 0 else "error unknown" if not math.isfinite(error) else f"± {error:.2f}"
    rewards = f", {c.rewards:,} reward calls" if c.rewards else ""
    stopped = f"; stopped: {posterior.stopped}" if posterior.stopped else ""
    log_z = "log Z" if posterior.finished is None else "log Z so far"  # of a target that is not complete
    return (f"{posterior.method}: {log_z} = {posterior.log_evidence:.2f} ({shown}), ESS {posterior.ess:.1f} of "
            f"{len(posterior)}, {c.tokens:,} tokens, {c.calls:,} LM calls{rewards}, {c.seconds:.1f} s{stopped}")
