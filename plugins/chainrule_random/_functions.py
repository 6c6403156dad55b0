"""The functions of the module: what generators draw, from the default one."""

from __future__ import annotations

from chainrule_random import (
    _categories,
    _gamma,
    _implicit,
    _location_scale,
    _multivariate,
    _permutations,
    _trials,
    _truncated,
)
from chainrule_random._generator import by_default

bernoulli = by_default(_trials.bernoulli)
beta = by_default(_gamma.beta)
binomial = by_default(_trials.binomial)
categorical = by_default(_categories.categorical)
cauchy = by_default(_location_scale.cauchy)
chi2 = by_default(_gamma.chi2)
choice = by_default(_categories.choice)
dirichlet = by_default(_gamma.dirichlet)
exponential = by_default(_location_scale.exponential)
f = by_default(_gamma.f)
gamma = by_default(_gamma.gamma)
geometric = by_default(_trials.geometric)
gumbel = by_default(_location_scale.gumbel)
gumbel_softmax = by_default(_categories.gumbel_softmax)
integers = by_default(_trials.integers)
laplace = by_default(_location_scale.laplace)
logistic = by_default(_location_scale.logistic)
lognormal = by_default(_location_scale.lognormal)
multinomial = by_default(_categories.multinomial)
multivariate_normal = by_default(_multivariate.multivariate_normal)
negative_binomial = by_default(_trials.negative_binomial)
normal = by_default(_location_scale.normal)
pareto = by_default(_location_scale.pareto)
permutation = by_default(_permutations.permutation)
poisson = by_default(_trials.poisson)
power = by_default(_location_scale.power)
rayleigh = by_default(_location_scale.rayleigh)
student_t = by_default(_gamma.student_t)
triangular = by_default(_location_scale.triangular)
truncated_normal = by_default(_truncated.truncated_normal)
uniform = by_default(_location_scale.uniform)
von_mises = by_default(_implicit.von_mises)
wald = by_default(_implicit.wald)
weibull = by_default(_location_scale.weibull)
