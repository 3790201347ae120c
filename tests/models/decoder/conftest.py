from __future__ import annotations

from pathlib import Path

import pytest
from llama_reference import SMALL, Reference, write_folder

from steersman.models.decoder import Decoder


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Reference]:
    """A folder with a tiny random Llama, and its reference."""
    folder = tmp_path_factory.mktemp("small")
    return folder, Reference(SMALL, write_folder(folder, SMALL))


@pytest.fixture(scope="session")
def session_decoder(small: tuple[Path, Reference]) -> Decoder:
    return Decoder.from_folder(small[0], max_rows=16)


@pytest.fixture
def decoder(session_decoder: Decoder) -> Decoder:
    """A decoder with empty caches and counters (its compiled programs are shared by the tests)."""
    session_decoder.clear()
    session_decoder.stats.reset()
    return session_decoder


@pytest.fixture(scope="session")
def reference(small: tuple[Path, Reference]) -> Reference:
    return small[1]
