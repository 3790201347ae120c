"""Arguments for every mirrored distribution: name -> (positional, keyword). Nested records are made from `ppl.dist`
for the record and from NumPyro for the reference, so entries are functions of the module."""

import numpy as np

E3 = np.eye(3, dtype=np.float32)
V3 = np.array([0.5, -0.2, 1.0], np.float32)
P3 = np.array([0.2, 0.3, 0.5], np.float32)
L3 = np.array([0.1, -0.4, 0.7], np.float32)
COV = np.array([[1.0, 0.3, 0.1], [0.3, 1.2, 0.2], [0.1, 0.2, 0.9]], np.float32)
CORR = np.array([[1.0, 0.3], [0.3, 1.0]], np.float32)
ADJ = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)


def drift(x, t):
    """dX = -X dt + 0.5 dW."""
    return -x, 0.5 + 0.0 * x


def _normals(d):
    return d.Normal(np.array([-1.0, 0.0, 2.0], np.float32), 1.0)


# Made by hand below a class that only has a meaning as a base or as an improper measure.
EXCEPTIONS = {
    "Distribution": "the protocol, not a law",
    "ImproperUniform": "takes a constraint; no sampler (tested on its own)",
}

ARGUMENTS = {
    "AsymmetricLaplace": lambda d: ((0.1, 1.2, 0.8), {}),
    "AsymmetricLaplaceQuantile": lambda d: ((0.1, 1.2, 0.4), {}),
    "Bernoulli": lambda d: ((0.3,), {}),
    "BernoulliLogits": lambda d: ((-0.4,), {}),
    "BernoulliProbs": lambda d: ((0.3,), {}),
    "Beta": lambda d: ((2.0, 3.0), {}),
    "BetaBinomial": lambda d: ((2.0, 3.0, 5), {}),
    "BetaNegativeBinomial": lambda d: ((4.0, 3.0, 5.0), {}),
    "BetaProportion": lambda d: ((0.4, 5.0), {}),
    "Binomial": lambda d: ((6,), {"probs": 0.3}),
    "BinomialLogits": lambda d: ((0.2, 6), {}),
    "BinomialProbs": lambda d: ((0.3, 6), {}),
    "CAR": lambda d: ((V3, 0.5, 1.5, ADJ), {}),
    "Categorical": lambda d: ((P3,), {}),
    "CategoricalLogits": lambda d: ((L3,), {}),
    "CategoricalProbs": lambda d: ((P3,), {}),
    "Cauchy": lambda d: ((0.1, 1.2), {}),
    "Chi2": lambda d: ((3.0,), {}),
    "CirculantNormal": lambda d: ((V3,), {"covariance_row": np.array([1.0, 0.2, 0.2], np.float32)}),
    "Dagum": lambda d: ((2.0, 3.0, 1.5), {}),
    "Delta": lambda d: ((0.7, 0.2), {}),
    "Dirichlet": lambda d: ((np.array([1.5, 2.0, 3.0], np.float32),), {}),
    "DirichletMultinomial": lambda d: ((np.array([1.5, 2.0, 3.0], np.float32), 5), {}),
    "DiscreteUniform": lambda d: ((2, 6), {}),
    "DoublyTruncatedPowerLaw": lambda d: ((-1.5, 1.0, 4.0), {}),
    "EulerMaruyama": lambda d: ((np.linspace(0, 1, 4).astype(np.float32), drift, d.Normal(0.0, 1.0)), {}),
    "ExpandedDistribution": lambda d: ((d.Normal(0.0, 1.0), (3,)), {}),
    "Exponential": lambda d: ((1.5,), {}),
    "FoldedDistribution": lambda d: ((d.Normal(0.3, 1.0),), {}),
    "Gamma": lambda d: ((2.0, 1.5), {}),
    "GammaPoisson": lambda d: ((2.0, 1.5), {}),
    "GaussianCopula": lambda d: ((d.Normal(0.5, 2.0), CORR), {}),
    "GaussianCopulaBeta": lambda d: ((2.0, 3.0, CORR), {}),
    "GaussianRandomWalk": lambda d: ((0.5, 4), {}),
    "GaussianStateSpace": lambda d: ((4, 0.5 * E3), {"scale_tril": E3}),
    "Geometric": lambda d: ((0.3,), {}),
    "GeometricLogits": lambda d: ((-0.3,), {}),
    "GeometricProbs": lambda d: ((0.3,), {}),
    "Gompertz": lambda d: ((0.5, 1.5), {}),
    "Gumbel": lambda d: ((0.1, 1.2), {}),
    "HalfCauchy": lambda d: ((1.2,), {}),
    "HalfNormal": lambda d: ((1.2,), {}),
    "HurdleDistribution": lambda d: ((d.Poisson(2.0),), {"gate": 0.3}),
    "HurdleGamma": lambda d: ((), {"gate": 0.3, "concentration": 2.0, "rate": 1.0}),
    "HurdleLogNormal": lambda d: ((), {"gate": 0.3, "loc": 0.0, "scale": 1.0}),
    "HurdleLogits": lambda d: ((d.Poisson(2.0), -0.3), {}),
    "HurdleNegativeBinomial2": lambda d: ((), {"gate": 0.3, "mean": 2.0, "concentration": 3.0}),
    "HurdlePoisson": lambda d: ((), {"gate": 0.3, "rate": 2.0}),
    "HurdleProbs": lambda d: ((d.Poisson(2.0), 0.3), {}),
    "Independent": lambda d: ((_normals(d), 1), {}),
    "IntervalCensoredDistribution": lambda d: ((d.Normal(0.0, 1.0), False, False), {}),
    "InverseGamma": lambda d: ((3.0, 1.5), {}),
    "InverseWishart": lambda d: ((6.0,), {"scale_matrix": COV}),
    "InverseWishartCholesky": lambda d: ((6.0,), {"scale_matrix": COV}),
    "Kumaraswamy": lambda d: ((2.0, 3.0), {}),
    "LKJ": lambda d: ((3, 1.5), {}),
    "LKJCholesky": lambda d: ((3, 1.5), {}),
    "Laplace": lambda d: ((0.1, 1.2), {}),
    "LeftCensoredDistribution": lambda d: ((d.Normal(0.0, 1.0), False), {}),
    "LeftTruncatedDistribution": lambda d: ((d.Normal(0.0, 1.0), -0.5), {}),
    "LeftTruncatedGamma": lambda d: ((d.Gamma(2.0, 1.0), 0.5), {}),
    "Levy": lambda d: ((0.1, 1.2), {}),
    "LogNormal": lambda d: ((0.1, 0.7), {}),
    "LogUniform": lambda d: ((0.5, 4.0), {}),
    "Logistic": lambda d: ((0.1, 1.2), {}),
    "LowRankMultivariateNormal": lambda d: ((V3, np.ones((3, 1), np.float32), np.ones(3, np.float32)), {}),
    "LowerTruncatedPowerLaw": lambda d: ((-2.5, 1.0), {}),
    "MaskedDistribution": lambda d: ((_normals(d), np.array([True, False, True])), {}),
    "MatrixNormal": lambda d: ((np.zeros((3, 2), np.float32), np.linalg.cholesky(COV), np.linalg.cholesky(CORR)), {}),
    "Mixture": lambda d: ((d.Categorical(P3), _normals(d)), {}),
    "MixtureGeneral": lambda d: ((d.Categorical(P3[:2] * 2), [d.Normal(0.0, 1.0), d.Cauchy(0.0, 1.0)]), {}),
    "MixtureSameFamily": lambda d: ((d.Categorical(P3), _normals(d)), {}),
    "Multinomial": lambda d: ((5, P3), {}),
    "MultinomialLogits": lambda d: ((L3, 5), {}),
    "MultinomialProbs": lambda d: ((P3, 5), {}),
    "MultivariateNormal": lambda d: ((V3, COV), {}),
    "MultivariateStudentT": lambda d: ((4.0, V3, np.linalg.cholesky(COV)), {}),
    "NegativeBinomial": lambda d: ((3.0,), {"probs": 0.4}),
    "NegativeBinomial2": lambda d: ((2.0, 3.0), {}),
    "NegativeBinomialLogits": lambda d: ((3.0, -0.4), {}),
    "NegativeBinomialProbs": lambda d: ((3.0, 0.4), {}),
    "Normal": lambda d: ((0.1, 1.2), {}),
    "OrderedLogistic": lambda d: ((0.3, np.array([-1.0, 0.5, 1.5], np.float32)), {}),
    "Pareto": lambda d: ((1.0, 3.0), {}),
    "Poisson": lambda d: ((2.5,), {}),
    "ProjectedNormal": lambda d: ((V3,), {}),
    "RelaxedBernoulli": lambda d: ((0.7,), {"probs": 0.3}),
    "RelaxedBernoulliLogits": lambda d: ((0.7, -0.3), {}),
    "RightCensoredDistribution": lambda d: ((d.Normal(0.0, 1.0), False), {}),
    "RightTruncatedDistribution": lambda d: ((d.Normal(0.0, 1.0), 0.5), {}),
    "RightTruncatedGamma": lambda d: ((d.Gamma(2.0, 1.0), 3.0), {}),
    "SineBivariateVonMises": lambda d: ((0.1, -0.2, 2.0, 3.0), {"correlation": 0.5}),
    "SineSkewed": lambda d: ((d.VonMises(np.zeros(1, np.float32), 2.0).to_event(1), 0.3 * np.ones(1, np.float32)), {}),
    "SoftLaplace": lambda d: ((0.1, 1.2), {}),
    "StudentT": lambda d: ((4.0, 0.1, 1.2), {}),
    "TransformedDistribution": lambda d: ((d.Normal(0.0, 1.0), d.transforms.AffineTransform(1.0, 2.0)), {}),
    "TruncatedCauchy": lambda d: ((0.0, 1.0), {"low": -1.0}),
    "TruncatedDistribution": lambda d: ((d.Normal(0.0, 1.0),), {"low": -1.0, "high": 2.0}),
    "TruncatedGamma": lambda d: ((2.0, 1.0), {"low": 0.5, "high": 3.0}),
    "TruncatedNormal": lambda d: ((0.0, 1.0), {"low": -1.0, "high": 2.0}),
    "TruncatedPolyaGamma": lambda d: ((), {}),
    "TwoSidedTruncatedDistribution": lambda d: ((d.Normal(0.0, 1.0), -1.0, 2.0), {}),
    "TwoSidedTruncatedGamma": lambda d: ((d.Gamma(2.0, 1.0), 0.5, 3.0), {}),
    "Uniform": lambda d: ((-1.0, 2.0), {}),
    "Unit": lambda d: ((0.7,), {}),
    "VonMises": lambda d: ((0.1, 2.0), {}),
    "Weibull": lambda d: ((1.2, 2.0), {}),
    "Wishart": lambda d: ((6.0,), {"scale_matrix": COV}),
    "WishartCholesky": lambda d: ((6.0,), {"scale_matrix": COV}),
    "ZeroInflatedDistribution": lambda d: ((d.Poisson(2.0),), {"gate": 0.3}),
    "ZeroInflatedLogits": lambda d: ((d.Poisson(2.0), -0.3), {}),
    "ZeroInflatedNegativeBinomial2": lambda d: ((2.0, 3.0), {"gate": 0.3}),
    "ZeroInflatedPoisson": lambda d: ((0.3, 2.0), {}),
    "ZeroInflatedProbs": lambda d: ((d.Poisson(2.0), 0.3), {}),
    "ZeroSumNormal": lambda d: ((1.0, (3,)), {}),
}


def make(module, name):
    """The distribution `name` of `module` (`steersman.ppl.dist` or `numpyro.distributions`) with its arguments."""
    args, kwargs = ARGUMENTS[name](module)
    return getattr(module, name)(*args, **kwargs)
