"""Genealogies traced by hand and at random."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from steersman.inference.posterior.genealogy import Genealogy
from steersman.inference.resampling import Ancestry, get_resampler
from steersman.ppl.keys import Key


def born(index: list[int], *, resampled: bool = True) -> Ancestry:
    return Ancestry(np.array(index), np.full(len(index), 1 / len(index)), resampled)


@pytest.fixture
def family() -> Genealogy:
    """3 particles, extended to 6, resampled to 3, left alone."""
    g = Genealogy()
    g.append([0.0, -1.0, -math.inf], stops=["token", "token", "end"])
    g.append(np.zeros(6), born([0, 0, 1, 1, 2, 2], resampled=False))
    g.append([0.0, 1.0, 2.0], born([1, 2, 2]))
    g.append([0.0, 1.0, 2.0], born([0, 1, 2], resampled=False))
    return g


def test_traced_by_hand(family: Genealogy) -> None:
    assert len(family) == 4 and family.sizes == [3, 6, 3, 3]
    assert family.ancestors(3).tolist() == [0, 1, 2] == family.ancestors(2).tolist()
    assert family.ancestors(1).tolist() == [1, 2, 2] and family.ancestors(-3).tolist() == [1, 2, 2]
    assert family.eves().tolist() == [0, 1, 1] == family.ancestors(0).tolist()
    assert family.enochs(1).tolist() == [0, 1, 2] and family.enochs(2).tolist() == [1, 2, 2]
    assert family.enochs(99).tolist() == [0, 1, 1]
    assert family.ancestors(0, of=1).tolist() == [0, 0, 1, 1, 2, 2]
    assert family.unique_ancestors().tolist() == [2, 2, 3, 3]
    assert family.coalescence_time() is None
    assert [family.resampled(t) for t in range(4)] == [False, False, True, False]
    assert family.stops(0) == ("token", "token", "end") and family.stops(1) is None
    assert family.weights(0) == pytest.approx([1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1)), 0.0])
    assert family.incoming(2).tolist() == [1 / 3] * 3
    assert family.parents(2).dtype == np.int32
    with pytest.raises(IndexError, match="after"):
        family.ancestors(2, of=1)
    with pytest.raises(IndexError):
        family.ancestors(4)


def test_coalescence(family: Genealogy) -> None:
    family.append([0.0, 0.0], born([2, 1]))
    assert family.coalescence_time() == 3 - 0 and family.unique_ancestors().tolist() == [1, 1, 2, 2, 2]
    family.append([0.0], born([0]))
    assert family.coalescence_time() == 0


def test_against_names_passed_down() -> None:
    g, key = Genealogy(), Key(0)
    names = [[(0, i) for i in range(20)]]
    g.append(np.zeros(20))
    for t in range(1, 8):
        W = np.random.default_rng(t).dirichlet(np.full(20, 0.3))
        ancestry = get_resampler("ssp")(W, 20, key.fold(t)).in_place(20)
        g.append(np.log(W), ancestry)
        names = [[row[a] for a in ancestry.index] for row in names] + [[(t, i) for i in range(20)]]
    for t in range(8):
        assert g.ancestors(t).tolist() == [i for _, i in names[t]]
        assert g.unique_ancestors()[t] == len(set(names[t]))


def test_json_round_trip(family: Genealogy) -> None:
    again = Genealogy.from_json(json.loads(json.dumps(family.to_json(), allow_nan=False)))
    assert again.to_json() == family.to_json()
    assert again.log_weights(0).tolist() == [0.0, -1.0, -math.inf]
    assert again.eves().tolist() == family.eves().tolist() and again.stops(0) == family.stops(0)


def test_the_record_is_a_copy() -> None:
    g, lw = Genealogy(), np.zeros(2)
    g.append(lw)
    lw += 1
    assert g.log_weights(0).tolist() == [0.0, 0.0]


def test_errors(family: Genealogy) -> None:
    with pytest.raises(ValueError, match="generation 0 can have no parents"):
        Genealogy().append([0.0], born([0]))
    with pytest.raises(ValueError, match="only generation 0"):
        family.append([0.0])
    with pytest.raises(ValueError, match="generation 4: 2 log weights, 1 ancestors"):
        family.append([0.0, 0.0], born([0]))
    with pytest.raises(ValueError, match="ancestors run from 0 to 3, but 3 came before"):
        family.append([0.0, 0.0], born([0, 3]))
    with pytest.raises(ValueError, match="1 stop labels for 2 particles"):
        family.append([0.0, 0.0], born([0, 1]), stops=["end"])
    with pytest.raises(ValueError, match="shape"):
        Genealogy().append([])
    assert len(family) == 4
