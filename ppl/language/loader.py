"""Where imported files come from."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from .problems import Problem

Loader = Callable[[str], tuple[str, str]]
"""From the name of a module to its path and its source. Raises Problem, saying why, where there is none."""

LARGEST = 1_000_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class FolderLoader:
    """`import helpers` is helpers.steer in this folder, and nothing outside of it, links included."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def __call__(self, module: str) -> tuple[str, str]:
        if not _NAME.fullmatch(module):
            raise Problem("import", f"{module[:40]!r} is no name of a file")
        path = self.folder / f"{module}.steer"
        try:
            if path.resolve(strict=True).parent != self.folder.resolve(strict=True):
                raise Problem("import", f"{path.name} leads out of its folder",
                              "put the file itself beside this one, not a link")
            return str(path), read(path)
        except (OSError, RuntimeError):  # RuntimeError: a loop of links
            raise Problem("import", f"there is no file {path.name} beside this one") from None


def read(path: str | Path) -> str:
    """The source in a file. Raises OSError, or Problem for what is too large or no text."""
    data = Path(path).read_bytes()[: LARGEST + 1]
    if len(data) > LARGEST:
        raise Problem("import", f"{Path(path).name} has more than {LARGEST:,} bytes",
                      "move parts into files of their own")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem("import", f"{Path(path).name} is no UTF-8 text: byte {error.start} is wrong",
                      "save it as UTF-8") from None


def no_imports(module: str) -> tuple[str, str]:
    """The loader of a source that lies in no folder."""
    raise Problem("import", f"{module[:40]!r} cannot be imported: this program is in no file",
                  "leave it out (exp, find, matches and the like are built in), or load the program from a file")
