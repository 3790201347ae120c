"""Header, table and counts of a page, as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from ..diagnostics.pareto import heavy_tail
from ..posterior import Posterior
from ..posterior.summary import candidates, chain_summary, evidence, expense
from .ink import shown
from .limits import ROWS


def facts(posterior: Posterior) -> str:
    """The numbers of the header, as a definition list."""
    rows: list[tuple[str, str]] = []
    if posterior.program is not None:
        rows.append(("program", posterior.program))
    rows.append(("method", posterior.method))
    if posterior.seed is not None:
        rows.append(("seed", str(posterior.seed)))
    if posterior.chains is None:
        log_z, estimate = evidence(posterior)
        rows.append((log_z, estimate.replace("-", "−").replace("inf", "∞")))
        tail = "" if (k := heavy_tail(posterior)) is None else f"; heavy tail (Pareto k {k:.2f})"
        rows.append(("ESS", f"{posterior.ess:.1f} of {len(posterior):,}{tail}"))
    else:
        rows.append(("chains", chain_summary(posterior)))
    rows.append(("cost", expense(posterior)))
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in rows)


def values(posterior: Posterior) -> str:
    """The most probable values (of annealed chains: the best), as rows of a table."""
    optimises = posterior.chains is not None and posterior.chains.optimises
    ranked = {}
    if any(w > 0 and t is not None for w, t in zip(posterior.weights, posterior.traces, strict=True)):
        ranked = candidates(posterior) if optimises else posterior.probabilities()
    if not ranked:
        return '<p class="note">No particle has finished with positive weight.</p>'
    head = "log density" if optimises else "probability"
    top = max(ranked.values())
    rows = "".join(
        _value_row(shown(value), p, None if optimises else p / top) for value, p in list(ranked.items())[:ROWS]
    )
    more = f'<p class="note">… and {len(ranked) - ROWS:,} more values.</p>' if len(ranked) > ROWS else ""
    return (f'<table class="values"><thead><tr><th scope="col">{head}</th><th scope="col">value</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>{more}")


def counts(title: str, rows: Mapping[str, int]) -> str:
    """A histogram of names."""
    if not rows:
        return ""
    top = max(rows.values())
    bars = (f"<tr><th scope=\"row\">{escape(shown(name, 80))}</th><td>{n:,}</td><td>{_bar(n / top)}</td></tr>"
            for name, n in rows.items())
    return _section(title, f'<table class="counts"><tbody>{"".join(bars)}</tbody></table>')


def moves(posterior: Posterior) -> str:
    """How the moves of Markov chains fared."""
    if posterior.chains is None or not posterior.chains.tally.tried:
        return ""
    tally = posterior.chains.tally
    rows = "".join(
        f"<tr><th scope=\"row\">{escape(shown(name, 80))}</th><td>{tally.accepted[name]:,} of {n:,}</td>"
        f"<td>{_bar(tally.accepted[name] / n)}</td></tr>"
        for name, n in tally.tried.items()
    )
    return _section("Accepted moves", f'<table class="counts"><tbody>{rows}</tbody></table>')


def notes(lines: Iterable[str]) -> str:
    return "".join(f'<p class="note">{escape(line)}</p>' for line in lines)


def _value_row(value: str, p: float, share: float | None) -> str:
    bar = "" if share is None else _bar(share)
    return f'<tr><td class="p">{p:.4f}{bar}</td><td class="value">{escape(value)}</td></tr>'


def _bar(share: float) -> str:
    """A bar as SVG, whose length is an attribute: style attributes are not allowed on the page."""
    return (f'<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
            f'<rect width="{100 * share:.1f}" height="6"/></svg>')


def _section(title: str, inside: str) -> str:
    return f'<section class="card"><h2>{escape(title)}</h2>{inside}</section>'
