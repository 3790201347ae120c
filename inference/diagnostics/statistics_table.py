"""`StatisticsTable`: what the tables that `posterior.diagnose()` returns share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, TypeVar

S = TypeVar("S")

MEAN_MCSE_SD = (("mean", "mean", ".4g"), ("mcse", "mcse", ".2g"), ("sd", "sd", ".3g"))


class StatisticsTable(Mapping[str, S]):
    """Name -> statistics of one number of each draw; it prints as a table, with what speaks against trusting the draws.
    columns: the title of each, the field of S it shows, and its format."""

    columns: ClassVar[tuple[tuple[str, str, str], ...]]
    statistics: dict[str, S]

    def __getitem__(self, name: str) -> S:
        return self.statistics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.statistics)

    def __len__(self) -> int:
        return len(self.statistics)

    @property
    @abstractmethod
    def doubts(self) -> list[str]:
        """What speaks against trusting the draws, in words; empty if nothing does."""

    @property
    @abstractmethod
    def head(self) -> str:
        """The line above the table."""

    def more(self) -> list[object]:
        """Further tables."""
        return []

    def __str__(self) -> str:
        from rich.table import Table

        from ..posterior.summary import as_text

        table = Table(box=None, pad_edge=False, header_style="")
        table.add_column("statistic", overflow="fold")
        for title, _, _ in self.columns:
            table.add_column(title, justify="right", no_wrap=True)
        for name, s in self.items():
            table.add_row(name, *[format(getattr(s, field), spec) for _, field, spec in self.columns])
        parts = [self.head, *map(as_text, (table, *self.more()))]
        if self.doubts:
            parts.append("\n".join(f"! {doubt}" for doubt in self.doubts))
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return str(self)


def some(names: list[str], limit: int = 6) -> str:
    """The first of them, and how many more there are."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
