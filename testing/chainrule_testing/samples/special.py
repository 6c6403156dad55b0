"""Samples of special functions, for the checks that are generated for every operation.

They are elementwise, so that shapes matter little: most have one array, in which the definitions take all their ways.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special
import scipy.stats

from chainrule_testing._samples import Samples, above_one, case, integers, positive, real, uniform, unit

Array = Any
Points = Callable[..., Array]
inside = uniform(0.1, 0.9)
degree = integers(0, 5)


def _one(name: str, points: Points, **options: Any) -> Samples:
    """A function of one input."""
    return Samples(getattr(scipy.special, name), [case(points(3))], **{"integers": False, **options})


def _two(name: str, left: Points, right: Points, number: float | None = None, **options: Any) -> Samples:
    """A function of two inputs, which broadcast; also with a Python number as the first."""
    cases = [case(left(2, 1), right(2))] + ([] if number is None else [case(number, right(2))])
    return Samples(getattr(scipy.special, name), cases, **{"integers": False, **options})


def _more(name: str, *points: Points, **options: Any) -> Samples:
    """A function of three or four inputs."""
    return Samples(
        getattr(scipy.special, name), [case(*(make(2) for make in points))], **{"integers": False, **options}
    )


def _polynomial(name: str, *points: Points, **options: Any) -> Samples:
    """A polynomial, of degrees from 0 up."""
    cases = [case(np.array([0, 1, 4]), *(make(3) for make in points))]
    fixed = tuple(range(1, len(points)))
    return Samples(getattr(scipy.special, name), cases, **{"integers": False, "fixed": fixed, **options})


_WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)  # of central differences of order 8


def _by_shape(distribution: Callable[[float], Array], step: float) -> Array:
    """The derivative of a distribution function by a shape, of which it is given what a shift makes of it."""
    return sum(w * (distribution(k * step) - distribution(-k * step)) / step for k, w in enumerate(_WEIGHTS, 1))


def _gamma_slope(a: Array, z: Array, order: int) -> Array:
    by_a = _by_shape(lambda h: scipy.special.gammainc(a + h, z), 0.02)
    return -by_a / scipy.stats.gamma.pdf(z, a)


def _beta_slope(a: Array, b: Array, x: Array, orders: tuple[int, int]) -> Array:
    moved = _by_shape(lambda h: scipy.special.betainc(a + h * orders[0], b + h * orders[1], x), 0.02)
    return -moved / scipy.stats.beta.pdf(x, a, b)


def _scaled(name: str, part: Callable[[Array], Array]) -> Samples:
    """A function of SciPy's that is scaled by an exponential of a part of its input, which is an input here."""

    def reference(v: Array, z: Array, scale: Array) -> Array:
        return getattr(scipy.special, name)(v, z) * np.exp(np.abs(part(z)) - scale)

    cases = [case(degree(2, 1), above_one(2), positive(2))]
    return Samples(reference, cases, complex=True, integers=False, fronted=True)


def _airye(z: Array, scale: Array) -> tuple[Array, ...]:
    first, second = np.exp(2 / 3 * z * np.sqrt(z)), np.exp(-scale)
    ai, aip, bi, bip = scipy.special.airy(z)
    return ai * first, aip * first, bi * second, bip * second


def _sph_harm_y(n: Array, m: Array, theta: Array, phi: Array) -> Array:
    size = np.abs(m)
    ratio = scipy.special.gamma(n - size + 1) / scipy.special.gamma(n + size + 1)
    norm = np.sqrt((2 * n + 1) / (4 * np.pi) * ratio)
    legendre = np.vectorize(scipy.special.lpmv)(size, n, np.cos(theta))
    return np.where((m < 0) & (size % 2 == 1), -1, 1) * norm * legendre * np.exp(1j * m * phi)


def _lambertw(z: Array, k: int) -> Array:
    return scipy.special.lambertw(z, k)


SAMPLES: dict[str, Samples] = {
    # errors, the normal distribution
    **{f"special.{name}": _one(name, real) for name in ("erfcx", "dawsn", "ndtr", "log_ndtr")},
    "special.erfi": _one("erfi", unit, complex=True),
    "special.erfinv": _one("erfinv", unit),
    "special.erfcinv": _one("erfcinv", uniform(0.3, 1.7)),
    "special.ndtri": _one("ndtri", inside),
    "special.ndtri_exp": _one("ndtri_exp", uniform(-3.0, -0.1)),
    "special.owens_t": _two("owens_t", real, real),
    "special.wofz": _one("wofz", real, complex=True),
    "special.voigt_profile": _more("voigt_profile", real, positive, positive),
    # gamma
    "special.gamma": _one("gamma", uniform(0.5, 3.0), complex=True),
    "special.gammaln": _one("gammaln", uniform(0.5, 3.0), integers=True),
    "special.loggamma": _one("loggamma", uniform(0.5, 3.0), complex=True),
    "special.rgamma": _one("rgamma", uniform(-2.5, 3.0)),
    "special.digamma": _one("digamma", uniform(0.5, 3.0), complex=True),
    "special.polygamma": _two("polygamma", degree, uniform(0.7, 3.0)),
    "special.riemann_zeta": _one("zeta", above_one),
    "special.zeta": _two("zeta", uniform(2.0, 3.0), above_one, fixed=(0,), fronted=True),
    **{f"special.{name}": _two(name, above_one, above_one) for name in ("beta", "betaln", "poch")},
    "special.binom": _two("binom", uniform(3.0, 5.0), uniform(0.5, 2.5)),
    **{f"special.{name}": _two(name, positive, positive) for name in ("gammainc", "gammaincc")},
    **{f"special.{name}": _two(name, positive, inside) for name in ("gammaincinv", "gammainccinv")},
    **{
        f"special.{name}": _more(name, positive, positive, inside)
        for name in ("betainc", "betaincc", "betaincinv", "betainccinv")
    },
    "special.stdtr": _two("stdtr", above_one, real),
    "special.stdtrit": _two("stdtrit", above_one, inside),
    "special.gamma_slope": Samples(
        _gamma_slope,
        [
            case(positive(2, 1), positive(1, 3), order=1),
            case(positive(0, 3), positive(1, 3), order=1),
            case(np.array([2.5, 8.0]), np.array([1.0, 9.5]), order=1),
        ],
        integers=False,
    ),
    "special.beta_slope": Samples(
        _beta_slope,
        [
            case(positive(2, 1), positive(3), inside(1, 3), orders=(1, 0)),
            case(positive(0, 3), positive(1, 3), inside(3), orders=(0, 1)),
            case(np.array([2.5, 8.0]), np.array([30.0, 9.5]), np.array([0.1, 0.4]), orders=(0, 1)),
        ],
        integers=False,
    ),
    # Bessel
    **{f"special.{name}": _one(name, real) for name in ("j0", "j1", "i0", "i0e", "i1", "i1e")},
    **{f"special.{name}": _one(name, positive) for name in ("y0", "y1", "k0", "k0e", "k1", "k1e")},
    **{
        f"special.{name}": _two(name, degree, above_one, 1.5 if name == "jv" else None, complex=True)
        for name in ("jv", "yv", "iv", "kv", "kve", "hankel1", "hankel1e", "hankel2", "hankel2e")
    },
    **{f"special.{name}": _scaled(name, np.imag) for name in ("jve", "yve")},
    "special.ive": _scaled("ive", np.real),
    **{f"special.{name}": _two(name, degree, above_one) for name in ("yn", "kn")},
    **{
        f"special.spherical_{kind}": Samples(
            getattr(scipy.special, f"spherical_{kind}"), [case(np.array([[0], [2]]), above_one(2))], integers=False
        )
        for kind in ("in", "jn", "kn", "yn")
    },
    "special.struve": _two("struve", degree, above_one),
    "special.airy": _one("airy", real, complex=True),
    "special.airye": Samples(_airye, [case(positive(3), positive(3))], complex=True, integers=False, fronted=True),
    # hypergeometric
    "special.hyp0f1": _two("hyp0f1", positive, real, fixed=(0,)),
    "special.hyp1f1": _more("hyp1f1", positive, positive, real, fixed=(0, 1)),
    "special.hyp2f1": _more("hyp2f1", positive, positive, above_one, uniform(-0.7, 0.7), fixed=(0, 1, 2)),
    "special.hyperu": _more("hyperu", positive, positive, positive, fixed=(0, 1)),
    # polynomials
    **{
        f"special.{name}": _polynomial(name, unit, complex=name not in ("eval_hermite", "eval_hermitenorm"))
        for name in ("eval_legendre", "eval_chebyt", "eval_chebyu", "eval_laguerre", "eval_hermite", "eval_hermitenorm")
    },
    "special.eval_genlaguerre": _polynomial("eval_genlaguerre", positive, unit),
    "special.eval_gegenbauer": _polynomial("eval_gegenbauer", positive, unit),
    "special.eval_jacobi": _polynomial("eval_jacobi", positive, positive, unit),
    "special.sph_harm_y": Samples(
        _sph_harm_y, [case(np.array([0, 1, 3, 4]), np.array([0, -1, 3, -2]), positive(4), real(4))], integers=False
    ),
    # elliptic
    "special.ellipk": _one("ellipk", unit),
    "special.ellipkm1": _one("ellipkm1", uniform(0.1, 1.5)),
    "special.ellipe": _one("ellipe", unit),
    "special.ellipkinc": _two("ellipkinc", positive, uniform(-0.8, 0.4)),
    "special.ellipeinc": _two("ellipeinc", positive, uniform(-0.8, 0.4)),
    "special.ellipj": _two("ellipj", real, inside),
    "special.agm": _two("agm", positive, positive),
    # integrals
    "special.expi": _one("expi", real),
    "special.exp1": _one("exp1", positive, complex=True),
    "special.expn": _two("expn", degree, positive),
    "special.sici": _one("sici", positive, complex=True),
    "special.shichi": _one("shichi", positive, complex=True),
    "special.fresnel": _one("fresnel", real, complex=True),
    "special.spence": _one("spence", positive, complex=True),
    # elementary
    "special.logit": _one("logit", inside),
    "special.log_expit": _one("log_expit", real),
    "special.exp10": _one("exp10", unit),
    "special.exprel": _one("exprel", real),
    **{f"special.{name}": _one(name, real) for name in ("cosm1", "sindg", "cosdg", "tandg")},
    "special.cotdg": _one("cotdg", uniform(20.0, 70.0)),
    "special.powm1": _two("powm1", positive, real),
    "special.boxcox": _two("boxcox", positive, real),
    "special.boxcox1p": _two("boxcox1p", positive, real),
    "special.inv_boxcox": _two("inv_boxcox", unit, unit),
    "special.inv_boxcox1p": _two("inv_boxcox1p", unit, unit),
    "special.huber": _two("huber", uniform(0.5, 0.9), uniform(1.0, 2.0)),
    "special.pseudo_huber": _two("pseudo_huber", positive, real),
    # entropies
    "special.xlogy": _two("xlogy", positive, positive, complex=True),
    "special.xlog1py": _two("xlog1py", positive, positive, complex=True),
    "special.entr": _one("entr", positive, integers=True),
    "special.rel_entr": _two("rel_entr", positive, positive),
    "special.kl_div": _two("kl_div", positive, positive),
    # branches
    "special.lambertw": Samples(
        _lambertw,
        [case(positive(3), k=0), case(uniform(-0.3, -0.1)(), k=-1), case(real(2), k=2)],
        complex=True,
        integers=False,
    ),
    "special.wrightomega": _one("wrightomega", real, complex=True),
}
