"""The record itself: cheap, readable, comparable, picklable; imports nothing heavy."""

import pickle
import subprocess
import sys
import time

import numpy as np
import numpyro.distributions as numpyro_dist
import pytest

from steersman.ppl import dist
from steersman.ppl.dist import Record, as_distribution
from steersman.ppl.dist.names import KNOWN
from steersman.ppl.keys import Key
from steersman.ppl.protocols import Distribution

HEAVY = "print([m for m in ('jax', 'numpyro', 'transformers') if m in sys.modules])"


@pytest.mark.parametrize(
    "code",
    [
        "",
        "r = d.Normal(0., 1.); R = type(r); R.log_prob([r], [0.2]); R.draw([r], Key(0).split([0]))",
        "r = d.Categorical([.5, .5]); R = type(r); R.log_prob([r], [1]); r.support()",
        "\ntry: d.as_distribution(3)\nexcept TypeError: pass",
    ],
)
def test_imports_are_light(code):
    script = f"import sys; import steersman.ppl.dist as d; from steersman.ppl.keys import Key\n{code}\n{HEAVY}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_known_signatures_are_numpyros():
    import inspect

    for name, parameters in KNOWN.items():
        theirs = inspect.signature(getattr(numpyro_dist, name)).parameters
        assert {n: p.default for n, p in theirs.items() if n != "validate_args"} == parameters
    for name in KNOWN:
        mirrored = __import__("steersman.ppl.dist.names", fromlist=["_"])._mirror(name, getattr(numpyro_dist, name))
        assert mirrored.static - {"validate_args"} == getattr(dist, name).static


def test_making_a_record_takes_microseconds():
    def fastest(make):
        times = []
        for _ in range(20):
            start = time.perf_counter()
            for _ in range(500):
                make()
            times.append((time.perf_counter() - start) / 500)
        return min(times)

    assert fastest(lambda: dist.Normal(0.0, 1.0)) < 5e-6
    assert fastest(lambda: dist.Gamma(concentration=1.0, rate=2.0)) < 10e-6
    assert fastest(lambda: dist.Normal(0.0, 1.0).family) < 20e-6


def test_repr():
    assert repr(dist.Normal(0.0, 1.0)) == "Normal(0.0, 1.0)"
    assert repr(dist.Bernoulli(logits=0.5)) == "Bernoulli(logits=0.5)"
    assert repr(dist.Normal(0.0, 1.0).expand([3]).to_event(1)) == "Normal(0.0, 1.0).expand((3,)).to_event(1)"
    assert repr(dist.Categorical(np.ones(50))) == "Categorical(<float64[50]>)"
    assert repr(as_distribution(numpyro_dist.Gamma(2.0, 1.0))) == "numpyro Gamma(concentration=2.0, rate=1.0)"


def test_equality_and_pickling():
    a = dist.MixtureSameFamily(dist.Categorical([0.5, 0.5]), dist.Normal(np.zeros(2), 1.0)).mask(True)
    b = dist.MixtureSameFamily(dist.Categorical([0.5, 0.5]), dist.Normal(np.zeros(2), 1.0)).mask(True)
    assert a == b and hash(a) == hash(b)
    assert dist.Normal(0.0, 1.0) != dist.Normal(0.0, 2.0) and dist.Normal(0.0, 1.0) != 3
    copy = pickle.loads(pickle.dumps(a))
    assert copy == a and copy.family == a.family


def test_conveniences():
    record = dist.Normal(1.0, 2.0)
    assert isinstance(record, Distribution) and isinstance(record, dist.Normal) and not isinstance(record, dist.Gamma)
    assert isinstance(record.numpyro(), numpyro_dist.Normal)
    assert float(record.mean) == 1.0 and float(record.variance) == 4.0
    with pytest.raises(ValueError, match="scale"):
        dist.Normal(0.0, -1.0).numpyro()
    assert {"Normal", "Gamma", "as_distribution"} <= set(dir(dist))


def test_numpyro_objects():
    gammas = [as_distribution(numpyro_dist.Gamma(1.0 + i, 2.0)) for i in range(3)]
    assert len({g.family for g in gammas}) == 1
    expected = [float(numpyro_dist.Gamma(1.0 + i, 2.0).log_prob(0.7)) for i in range(3)]
    np.testing.assert_allclose(Record.log_prob(gammas, [0.7] * 3), expected, rtol=1e-5)
    assert (Record.log_prob(gammas, [-1.0] * 3) == -np.inf).all()
    values, log_q = Record.draw(gammas, Key(0).split([0, 1, 2]))
    assert all(type(v) is float for v in values) and np.isfinite(log_q).all()


@pytest.mark.parametrize(
    "theirs",
    [
        numpyro_dist.Normal(np.float32(0.5), 2.0),
        numpyro_dist.Bernoulli(logits=0.3),
        numpyro_dist.Categorical(np.array([0.3, 0.7])),
        numpyro_dist.Delta(0.5),
        numpyro_dist.Normal(np.zeros(2), 1.0).to_event(1),
        numpyro_dist.TransformedDistribution(numpyro_dist.Normal(0, 1), numpyro_dist.transforms.ExpTransform()),
        numpyro_dist.TruncatedNormal(0.0, 1.0, low=0.0),
    ],
    ids=lambda d: type(d).__name__,
)
def test_numpyro_objects_score_as_they_do(theirs):
    record = as_distribution(theirs)
    assert record.family == as_distribution(theirs).family
    values, log_q = Record.draw([record], Key(0).split([0]))
    assert log_q[0] == pytest.approx(float(np.sum(theirs.log_prob(np.asarray(values[0])))), abs=1e-4)


def test_records_and_protocol_objects_pass_through():
    record = dist.Normal(0.0, 1.0)
    assert as_distribution(record) is record

    class Text:
        family = "text"
        log_prob = staticmethod(lambda members, values: np.zeros(len(members)))

        def begin(self, proposal):
            return None

    text = Text()
    assert as_distribution(text) is text
