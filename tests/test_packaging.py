"""What is installed is what is in the folders."""

from __future__ import annotations

import ast
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_folder_is_listed() -> None:
    """The mapping of pyproject names every folder with Python files: one that it misses would not be installed."""
    found = {
        "steersman." + str(init.parent.relative_to(ROOT)).replace("/", ".")
        for top in ("ppl", "inference", "models", "cli")
        for init in (ROOT / top).rglob("__init__.py")
    }
    assert found == set(SETTINGS["tool"]["setuptools"]["packages"])


def test_data_files_are_listed() -> None:
    """Whatever the packages read at run time besides Python files is installed with them."""
    listed = SETTINGS["tool"]["setuptools"]["package-data"]
    for file in (f for top in ("ppl", "inference", "models") for f in (ROOT / top).rglob("*.*") if f.is_file()):
        if file.suffix not in {".py", ".pyc"}:
            parts = ["steersman", *file.relative_to(ROOT).parts]
            assert any(fnmatch("/".join(parts[k:]), pattern) for k in range(1, len(parts))
                       for pattern in listed.get(".".join(parts[:k]), ())), file


def _imports(file: Path) -> set[str]:
    """Top-level packages of steersman that a file imports, inside functions too; relative imports resolved."""
    package = ["steersman", *file.relative_to(ROOT).parent.parts]
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            names = [".".join([*base, *([node.module] if node.module else [])])]
            names += [f"{names[0]}.{a.name}" for a in node.names]
        else:
            continue
        found |= {n.split(".")[1] for n in names if n.startswith("steersman.")}
    return found


def test_dependencies_run_downwards() -> None:
    """ppl imports neither models nor inference; models and inference import ppl, and inference.testing alone both; the
    command imports all of them, and none of them the command."""
    for top, forbidden in (("ppl", {"models", "inference", "cli"}), ("models", {"inference", "cli"}),
                           ("inference", {"models", "cli"})):
        for file in (ROOT / top).rglob("*.py"):
            if "testing" in file.parts:
                continue
            assert not _imports(file) & forbidden, file


def test_files_stay_small() -> None:
    """Half of the files have fewer than 150 lines, none more than 400."""
    sizes = sorted(len(f.read_text(encoding="utf-8").splitlines())
                   for top in ("ppl", "inference", "models", "cli") for f in (ROOT / top).rglob("*.py"))
    assert sizes[len(sizes) // 2] < 150 and sizes[-1] <= 400
