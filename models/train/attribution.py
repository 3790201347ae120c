"""Credits for the training text, condensed from the notes that lie beside the corpus.

CC BY asks for credit, so the titles and authors travel with the model. The corpus folder may hold
``ATTRIBUTION-*.tsv`` (columns file, title, author, translation, licence) and ``SOURCES.md``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

COLLECTIONS = {
    "ATTRIBUTION-asp": "African Storybook (CC BY; github.com/global-asp/asp-source)",
    "ATTRIBUTION-pb": "Pratham Books StoryWeaver (CC BY or public domain; github.com/global-asp/pb-source)",
}
CHANGES = "Changed for training: pages joined into paragraphs, titles removed, punctuation made ASCII."
BOOK = re.compile(r"^- (?:GITenberg/)?(?P<name>\S+) @ \w+ : .*?(?:PG (?P<number>\d+)|CC0)")
COPY = re.compile(r"^- `(?P<file>tinystories\w*)\.txt`: (?P<where>github\.com/\S+) @ (?P<commit>\w+)")


def credit_lines(table: Path) -> Iterator[str]:
    """``title, author; translation`` for each row of a table of credits."""
    with table.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            title, author = row["title"].strip(), row["author"].strip()
            translator = (row.get("translation") or "").strip()
            by = ", ".join(filter(None, (title, author or "author not named")))
            yield f"- {by}" + (f"; translation: {translator}" if translator not in ("", author) else "")


def book_title(name: str) -> str:
    """A readable title from a repository name such as ``Heidi_1448``."""
    title = re.sub(r"_\d+$", "", name.split("/")[-1]).replace("--13-", ", ")
    title = re.sub(r"(?<=[a-z])-s(?=-)", "'s", title)
    title = re.sub(r"(?<=[a-z])(?=[A-Z])", ": ", title)  # a subtitle glued to the title
    title = re.sub(r"[-_]+", " ", title).strip()
    return title[:1].upper() + title[1:]


def book_lines(sources: str) -> Iterator[str]:
    """``title (Project Gutenberg number)`` for each book named in SOURCES.md."""
    for line in sources.splitlines():
        if match := BOOK.match(line):
            number = match["number"]
            where = f"Project Gutenberg {number}" if number else "Standard Ebooks, CC0"
            yield f"- {book_title(match['name'])} ({where})"


def copy_lines(sources: str) -> Iterator[str]:
    """Where each copy of TinyStories was read from."""
    for line in sources.splitlines():
        if match := COPY.match(line):
            yield f"- {match['file']}: {match['where']} @ {match['commit']}"


def attribution(corpus: Path) -> str:
    """The text of ATTRIBUTION.md; empty when the corpus has no notes."""
    parts: list[str] = []
    for table in sorted(corpus.glob("ATTRIBUTION-*.tsv")):
        title = COLLECTIONS.get(table.stem, table.stem)
        parts.append(f"## {title}\n\n{CHANGES}\n\n" + "\n".join(credit_lines(table)))
    notes = corpus / "SOURCES.md"
    sources = notes.read_text(encoding="utf-8") if notes.is_file() else ""
    if books := list(book_lines(sources)):
        parts.append("## Older books (public domain in the USA)\n\n" + "\n".join(books))
    if copies := list(copy_lines(sources)):
        title = "## TinyStories (Ronen Eldan and Yuanzhi Li; CDLA-Sharing-1.0), read from these copies"
        parts.append(f"{title}\n\n" + "\n".join(copies))
    return "# Credits for the training text\n\n" + "\n\n".join(parts) + "\n" if parts else ""
