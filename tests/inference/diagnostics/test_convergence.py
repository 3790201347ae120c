"""Diagnostics of Markov chains: R-hat, ESS and Monte Carlo errors mean what they say, and results show them."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from steersman.inference import MH, SMC, Budget, Chains, Cost, Posterior, infer, site, suffix
from steersman.inference.chain import Tally
from steersman.inference.diagnostics.convergence import diagnose, ess_bulk, ess_tail, mcse, rhat
from steersman.inference.tempering.anneal import anneal
from steersman.inference.testing import check_method, crossroads_model, letters_model, sentence_model, small_model
from steersman.ppl import Trace
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Site


def of_array(x: Floats, claim: str = "posterior") -> Posterior:
    """The posterior of chains whose draws return x [chains, draws]; 2 x is their log density."""
    traces = [Trace(None, [Site("x", 0, "sample", v, 2.0 * v, 2.0 * v)], v) for v in x.ravel().tolist()]
    log_w = np.full(len(traces), -math.log(max(1, len(traces))))
    chains = Chains(*x.shape, Tally(), claim)
    return Posterior(traces, log_w, math.nan, math.nan, Cost(0, 0, 0, 0.0), "made", 0, chains=chains)


def ar1(rng: np.random.Generator, chains: int, draws: int, phi: float) -> Floats:
    """x_t = phi x_{t-1} + sqrt(1 - phi^2) e_t, stationary with variance 1 from its first draw."""
    e = rng.normal(size=(chains, draws))
    x = np.empty((chains, draws))
    x[:, 0] = e[:, 0]
    for t in range(1, draws):
        x[:, t] = phi * x[:, t - 1] + math.sqrt(1 - phi**2) * e[:, t]
    return x


def identity(x: float) -> float:
    return x


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, -0.4])
def test_ess_of_autoregressions(phi: float) -> None:
    """ESS = M N (1 - phi) / (1 + phi) for autocorrelations phi^t; the mean over 40 data sets lies within 5 of its
    standard errors, plus 5 % for the truncation of the sum; and the MCSE is sd / sqrt(ESS)."""
    rng = np.random.default_rng(7)
    found, errors, true = [], [], 4000 * (1 - phi) / (1 + phi)
    for _ in range(40):
        posterior = of_array(ar1(rng, 4, 1000, phi))
        found.append(ess_bulk(posterior, identity))
        errors.append(mcse(posterior, identity))
    off = abs(np.mean(found) - true)
    assert off < 5 * np.std(found, ddof=1) / math.sqrt(40) + 0.05 * true
    assert np.mean(errors) == pytest.approx(math.sqrt(1 / true), rel=0.06)


def test_the_error_is_that_of_the_mean() -> None:
    """Over independent data sets, (mean - 0) / mcse has variance one: chi-square of 200, |z| < 4; so it has not when
    the autocorrelation is ignored."""
    rng = np.random.default_rng(3)
    z, naive = [], []
    for _ in range(200):
        x = ar1(rng, 4, 400, 0.7)
        z.append(x.mean() / mcse(of_array(x), identity))
        naive.append(x.mean() / (x.std() / math.sqrt(x.size)))
    excess = (np.sum(np.square(z)) - 200) / math.sqrt(400)
    assert abs(excess) < 4
    assert (np.sum(np.square(naive)) - 200) / math.sqrt(400) > 20


def test_independent_draws() -> None:
    """R-hat is 1 to 1 %, and ESS the number of draws (to the error of autocorrelations) in the bulk and in the tails,
    also for a number that is 0 or 1."""
    rng = np.random.default_rng(1)
    posterior = of_array(rng.normal(size=(8, 500)))
    for f in (identity, lambda x: x > 0.3):
        assert rhat(posterior, f) == pytest.approx(1.0, abs=0.01)
        assert ess_bulk(posterior, f) == pytest.approx(4000, rel=0.15)
    assert ess_tail(posterior, identity) == pytest.approx(4000, rel=0.25)


def test_chains_in_different_modes() -> None:
    """Half of the chains around -3, half around +3: R-hat is large, and 4000 draws are worth no more than the chains
    are."""
    rng = np.random.default_rng(2)
    apart = of_array(rng.normal(size=(4, 1000)) + np.array([[3.0], [3.0], [-3.0], [-3.0]]))
    assert rhat(apart, identity) > 1.5
    assert ess_bulk(apart, identity) < 10
    assert any("R-hat" in doubt and "'" not in doubt for doubt in apart.diagnose().doubts)
    assert rhat(apart, abs) < 1.01  # a number in which the modes are alike shows nothing


def test_a_drift_and_a_difference_in_spread_are_seen() -> None:
    """Split R-hat sees chains that all drift alike; the folded one chains of equal means and unequal spreads."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(4, 400))
    assert rhat(of_array(x + np.linspace(0, 3, 400)), identity) > 1.2
    assert rhat(of_array(x * np.array([[1.0], [1.0], [1.0], [6.0]])), identity) > 1.2
    assert rhat(of_array(x), identity) < 1.02


def test_ranks_withstand_heavy_tails() -> None:
    """Cauchy draws have no mean: the ranks of R-hat and ESS do not mind."""
    x = np.random.default_rng(5).standard_cauchy(size=(4, 1000))
    assert rhat(of_array(x), identity) < 1.01
    assert ess_bulk(of_array(x), identity) == pytest.approx(4000, rel=0.15)


def test_what_tells_nothing_is_nan() -> None:
    """A number that never changes (up to rounding), one that is infinite, less than four draws, a single chain."""
    x = np.random.default_rng(6).normal(size=(2, 50))
    posterior = of_array(x)
    for f in (lambda x: 1.0, lambda x: 0.1 + 1e-17 * x, lambda x: math.inf if x > 0 else 0.0):
        values = [q(posterior, f) for q in (rhat, ess_bulk, ess_tail, mcse)]
        assert all(map(math.isnan, values))
    short = of_array(x[:, :3])
    assert math.isnan(rhat(short)) and math.isnan(ess_bulk(short)) and math.isnan(mcse(short))
    assert any("3 draws a chain" in doubt for doubt in short.diagnose().doubts)
    single = of_array(x[:1])
    assert math.isnan(rhat(single)) and ess_bulk(single) > 5
    assert any("one chain" in doubt for doubt in single.diagnose().doubts)
    assert rhat(of_array(np.repeat([[0.0], [1.0]], 50, axis=1))) == math.inf  # stuck chains that differ


def test_functions_of_values_and_traces() -> None:
    """By name, with means and spreads; of="trace" gives f the trace; by default the log density and what all have."""
    x = np.random.default_rng(8).normal(size=(3, 40))
    posterior = of_array(x)
    table = posterior.diagnose({"twice": lambda v: 2 * v, "positive": lambda v: v > 0})
    assert list(table) == ["twice", "positive"]
    assert table["twice"].mean == pytest.approx(2 * x.mean()) and table["twice"].sd == pytest.approx(2 * x.std(ddof=1))
    assert table["positive"].mean == pytest.approx((x > 0).mean())
    default = posterior.diagnose()
    assert list(default) == ["log density", "x"]
    assert default["log density"].mean == pytest.approx(2 * x.mean())
    assert default["x"].rhat == rhat(posterior, identity) == rhat(posterior)
    again = posterior.diagnose(lambda trace: trace["x"], of="trace")
    assert next(iter(again.values())) == default["x"]
    assert list(posterior.diagnose(identity)) == ["identity"]


def test_errors_name_what_is_wrong() -> None:
    """No chains, no draws, no number, no such argument."""
    with pytest.raises(ValueError, match=r"SMC\(8\) draws no Markov chains.*MH"):
        infer(sentence_model().program, SMC(8)).diagnose()
    stopped = infer(sentence_model().program, MH(4, 300), budget=Budget(tokens=30))
    with pytest.raises(ValueError, match=r"kept no draw \(it was stopped: budget.*larger budget"):
        stopped.diagnose()
    posterior = of_array(np.ones((2, 5)))
    for bad in (str, lambda v: [v], lambda v: None, lambda v: [[1], [1, 2]], lambda v: 1j):
        with pytest.raises(TypeError, match=r"'it' gave .* is one number"):
            posterior.diagnose({"it": bad})
    with pytest.raises(ValueError, match="of='site'"):
        diagnose(posterior, identity, of="site")  # type: ignore[arg-type]


def test_diagnosis_of_a_real_run() -> None:
    """MH on the hard sentence: every move and cut is accounted for, the table prints, and doubts go with more draws."""
    model = sentence_model()
    posterior = infer(model.program, MH(4, 100, suffix()), seed=1)
    table = posterior.diagnose({"length": len})
    shown = str(table)
    assert repr(table) == shown and "bulk ESS" in shown and "length" in shown and "suffix()" in shown
    assert posterior.chains is not None
    assert posterior.chains.tally.tried.total() == 400 == sum(posterior.chains.tally.tried_at.values())
    assert f"{posterior.chains.acceptance()['suffix()']:.2f}" in shown
    assert any("ESS below 400" in doubt for doubt in table.doubts)
    assert "\n! ESS below 400" in shown
    easy = small_model()
    long = infer(easy.program, MH(4, 1500, suffix()), seed=1).diagnose({"length": len})
    assert not long.doubts
    assert abs(long["length"].mean - easy.exact.expectation(len)) < 4.5 * long["length"].mcse


def test_the_footer_of_chains() -> None:
    """No log Z and no ESS of weights, which say nothing: acceptance, R-hat and ESS of the log density; and the cost."""
    posterior = infer(sentence_model().program, MH(8, 50, site()), seed=2)
    footer = posterior.summary().splitlines()[-1]
    assert footer.startswith("MH(8, 50): 8 chains x 50 draws, acceptance 0.")
    assert "R-hat 1." in footer and f"bulk ESS {ess_bulk(posterior):.0f} (log density)" in footer and "tokens" in footer
    assert "log Z" not in footer and "nan" not in footer
    assert repr(posterior).startswith("<Posterior of MH(8, 50): 8 chains x 50 draws, acceptance 0.")
    stopped = infer(sentence_model().program, MH(8, 50), budget=Budget(tokens=60))
    assert "8 chains x 0 draws" in stopped.summary() and "stopped: budget" in stopped.summary()
    assert "no draw was kept" in stopped.summary() and "stopped: budget" in repr(stopped)


def test_chains_that_estimate_log_z_say_so() -> None:
    """Where a method of chains estimates log Z (tempering does), it stands beside R-hat and ESS."""
    posterior = of_array(np.random.default_rng(9).normal(size=(2, 50)))
    known = replace(posterior, log_evidence=-1.25, log_evidence_error=0.5, log_weights=posterior.log_weights - 1.25)
    assert "(log density), log Z = -1.25 (± 0.50), 0 tokens" in known.summary()
    assert "log Z" not in posterior.summary()


def test_annealed_chains_claim_no_posterior() -> None:
    """The summary ranks candidates by density and says what they are not; so does the diagnosis."""
    x = np.array([[0.0, 1.0, 1.0, 1.0], [2.0, 0.0, 0.0, 0.0]])
    posterior = of_array(x, "optimisation")
    lines = posterior.summary().splitlines()
    assert lines[0].split() == ["log", "density", "value"]
    assert [line.split() for line in lines[1:4]] == [["4.0000", "2.0"], ["2.0000", "1.0"], ["0.0000", "0.0"]]
    assert "candidates for the mode, not draws from a posterior" in lines[-1] and "best 4.00" in lines[-1]
    assert "annealed" in repr(posterior) and "R-hat" not in lines[-1]
    assert "not draws from a posterior" in posterior.diagnose().doubts[0]


KINDS = [MH(3, 20, suffix()), MH(2, 6, site(), warmup=0, thin=2), MH(3, 20, suffix(), anneal=anneal(1, 9))]


@pytest.mark.parametrize("method", KINDS, ids=["plain", "thinned", "annealed"])
def test_chains_survive_a_file(method: MH, tmp_path: Path) -> None:
    """Chains, draws, every count of every move, the claim: all that `diagnose` tells is the same afterwards; and what
    annealing has found."""
    for model in (crossroads_model(), letters_model()):
        posterior = infer(model.program, method, seed=3)
        posterior.save(tmp_path / "p.json")
        again = Posterior.load(tmp_path / "p.json")
        assert again.chains == posterior.chains
        assert str(again.diagnose()) == str(posterior.diagnose())
        assert again.best() == posterior.best() and again.summary() == posterior.summary()
        assert repr(again) == repr(posterior)


def test_files_from_before_there_were_chains(tmp_path: Path) -> None:
    """They are read as posteriors without chains."""
    path = tmp_path / "old.json"
    infer(sentence_model().program, SMC(4)).save(path)
    data = json.loads(path.read_text())
    del data["chains"], data["info"]
    path.write_text(json.dumps(data))
    assert Posterior.load(path).chains is None


def test_oracles_take_chains() -> None:
    """`check_method` judges an MCMC method by its expectations, and finds its results well formed."""
    report = check_method(MH(20, 5, site(), warmup=25), small_model(), runs=20, evidence=False, error_bars=False)
    assert report.passed, report
    assert {"sum of weights", "table of probabilities"} <= {c.what for c in report.checks}


def test_imports_stay_cheap() -> None:
    """scipy and the statistics are loaded when a diagnosis is asked for, not before."""
    script = "import sys, steersman.inference; print(*{m.split('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": ":".join(sys.path)})
    assert not set(done.stdout.split()) & {"scipy", "arviz_stats", "jax", "rich"}
