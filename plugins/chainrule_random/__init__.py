"""Random numbers: `cr.random`, generators whose state a seed decides, and distributions with gradients where there are.

>>> import chainrule as cr
>>> generator = cr.random.Generator(seed=7)
>>> x = generator.normal((1000,), loc=2.0, scale=0.5)
>>> x.shape, bool(1.9 < cr.mean(x) < 2.1)
((1000,), True)

The functions of the module draw from a default generator for each backend, which `seed` starts anew.
"""

from chainrule_random import _location_scale, _permutations, _trials
from chainrule_random._generator import Generator as Generator
from chainrule_random._generator import by_default
from chainrule_random._generator import default_generator as default_generator
from chainrule_random._generator import seed as seed

bernoulli = by_default(_trials.bernoulli)
exponential = by_default(_location_scale.exponential)
normal = by_default(_location_scale.normal)
permutation = by_default(_permutations.permutation)
uniform = by_default(_location_scale.uniform)

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "exponential",
    "normal",
    "permutation",
    "seed",
    "uniform",
]
