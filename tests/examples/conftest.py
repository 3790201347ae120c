"""The embedded model, once for each file."""

from __future__ import annotations

import pytest

from steersman import models
from steersman.models import NeuralLM


@pytest.fixture(scope="module")
def lm() -> NeuralLM:
    return models.load()
