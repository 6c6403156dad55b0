"""Random numbers: `cr.random`, generators whose state a seed decides, and distributions with gradients where there are.

>>> import chainrule as cr
>>> generator = cr.random.Generator(seed=7)
>>> x = generator.normal((1000,), loc=2.0, scale=0.5)
>>> x.shape, bool(1.9 < cr.mean(x) < 2.1)
((1000,), True)

The functions of the module draw from a default generator for each backend, which `seed` starts anew.
"""

from chainrule_random import _categories, _gamma, _location_scale, _multivariate, _permutations, _trials, _truncated
from chainrule_random._generator import Generator as Generator
from chainrule_random._generator import by_default
from chainrule_random._generator import default_generator as default_generator
from chainrule_random._generator import seed as seed

bernoulli = by_default(_trials.bernoulli)
beta = by_default(_gamma.beta)
binomial = by_default(_trials.binomial)
categorical = by_default(_categories.categorical)
cauchy = by_default(_location_scale.cauchy)
chi2 = by_default(_gamma.chi2)
choice = by_default(_categories.choice)
dirichlet = by_default(_gamma.dirichlet)
exponential = by_default(_location_scale.exponential)
gamma = by_default(_gamma.gamma)
geometric = by_default(_trials.geometric)
gumbel = by_default(_location_scale.gumbel)
gumbel_softmax = by_default(_categories.gumbel_softmax)
integers = by_default(_trials.integers)
laplace = by_default(_location_scale.laplace)
logistic = by_default(_location_scale.logistic)
lognormal = by_default(_location_scale.lognormal)
multivariate_normal = by_default(_multivariate.multivariate_normal)
negative_binomial = by_default(_trials.negative_binomial)
normal = by_default(_location_scale.normal)
pareto = by_default(_location_scale.pareto)
permutation = by_default(_permutations.permutation)
poisson = by_default(_trials.poisson)
rayleigh = by_default(_location_scale.rayleigh)
student_t = by_default(_gamma.student_t)
triangular = by_default(_location_scale.triangular)
truncated_normal = by_default(_truncated.truncated_normal)
uniform = by_default(_location_scale.uniform)
weibull = by_default(_location_scale.weibull)

__all__ = [
    "Generator",
    "bernoulli",
    "beta",
    "binomial",
    "categorical",
    "cauchy",
    "chi2",
    "choice",
    "default_generator",
    "dirichlet",
    "exponential",
    "gamma",
    "geometric",
    "gumbel",
    "gumbel_softmax",
    "integers",
    "laplace",
    "logistic",
    "lognormal",
    "multivariate_normal",
    "negative_binomial",
    "normal",
    "pareto",
    "permutation",
    "poisson",
    "rayleigh",
    "seed",
    "student_t",
    "triangular",
    "truncated_normal",
    "uniform",
    "weibull",
]
