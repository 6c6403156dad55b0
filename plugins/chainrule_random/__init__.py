"""Random numbers: `cr.random`, generators whose state a seed decides, and distributions with gradients where there are.

>>> import chainrule as cr
>>> generator = cr.random.Generator(seed=7)
>>> x = generator.normal((1000,), loc=2.0, scale=0.5)
>>> x.shape, bool(1.9 < cr.mean(x) < 2.1)
((1000,), True)

The functions of the module draw from a default generator for each backend, which `seed` starts anew.

Importing the package imports none of its parts: each is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING

from chainrule import lazy_attributes

if TYPE_CHECKING:
    from chainrule_random._functions import bernoulli as bernoulli
    from chainrule_random._functions import beta as beta
    from chainrule_random._functions import binomial as binomial
    from chainrule_random._functions import categorical as categorical
    from chainrule_random._functions import cauchy as cauchy
    from chainrule_random._functions import chi2 as chi2
    from chainrule_random._functions import choice as choice
    from chainrule_random._functions import dirichlet as dirichlet
    from chainrule_random._functions import exponential as exponential
    from chainrule_random._functions import f as f
    from chainrule_random._functions import gamma as gamma
    from chainrule_random._functions import geometric as geometric
    from chainrule_random._functions import gumbel as gumbel
    from chainrule_random._functions import gumbel_softmax as gumbel_softmax
    from chainrule_random._functions import integers as integers
    from chainrule_random._functions import laplace as laplace
    from chainrule_random._functions import logistic as logistic
    from chainrule_random._functions import lognormal as lognormal
    from chainrule_random._functions import multinomial as multinomial
    from chainrule_random._functions import multivariate_normal as multivariate_normal
    from chainrule_random._functions import negative_binomial as negative_binomial
    from chainrule_random._functions import normal as normal
    from chainrule_random._functions import pareto as pareto
    from chainrule_random._functions import permutation as permutation
    from chainrule_random._functions import poisson as poisson
    from chainrule_random._functions import power as power
    from chainrule_random._functions import rayleigh as rayleigh
    from chainrule_random._functions import student_t as student_t
    from chainrule_random._functions import triangular as triangular
    from chainrule_random._functions import truncated_normal as truncated_normal
    from chainrule_random._functions import uniform as uniform
    from chainrule_random._functions import von_mises as von_mises
    from chainrule_random._functions import wald as wald
    from chainrule_random._functions import weibull as weibull
    from chainrule_random._generator import Generator as Generator
    from chainrule_random._generator import default_generator as default_generator
    from chainrule_random._generator import seed as seed

# Where each public name is.
_PARTS = {
    "Generator": "._generator",
    "bernoulli": "._functions",
    "beta": "._functions",
    "binomial": "._functions",
    "categorical": "._functions",
    "cauchy": "._functions",
    "chi2": "._functions",
    "choice": "._functions",
    "default_generator": "._generator",
    "dirichlet": "._functions",
    "exponential": "._functions",
    "f": "._functions",
    "gamma": "._functions",
    "geometric": "._functions",
    "gumbel": "._functions",
    "gumbel_softmax": "._functions",
    "integers": "._functions",
    "laplace": "._functions",
    "logistic": "._functions",
    "lognormal": "._functions",
    "multinomial": "._functions",
    "multivariate_normal": "._functions",
    "negative_binomial": "._functions",
    "normal": "._functions",
    "pareto": "._functions",
    "permutation": "._functions",
    "poisson": "._functions",
    "power": "._functions",
    "rayleigh": "._functions",
    "seed": "._generator",
    "student_t": "._functions",
    "triangular": "._functions",
    "truncated_normal": "._functions",
    "uniform": "._functions",
    "von_mises": "._functions",
    "wald": "._functions",
    "weibull": "._functions",
}
__all__ = [*_PARTS]  # names all the same
__getattr__, __dir__ = lazy_attributes(__name__, _PARTS)
