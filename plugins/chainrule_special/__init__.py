"""Special functions: `cr.special`, by SciPy's names. On tensors `scipy.special.gammaln(t)` does the same.

>>> import chainrule as cr
>>> cr.grad(cr.special.gammaln)(cr.tensor(1.0))  # minus Euler's constant
Tensor(-0.5772156649015329, float64)

Importing the package imports none of its parts: each is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING

from chainrule import lazy_attributes

if TYPE_CHECKING:
    from chainrule import cbrt as cbrt
    from chainrule import erf as erf
    from chainrule import erfc as erfc
    from chainrule import exp2 as exp2
    from chainrule import expm1 as expm1
    from chainrule import log1p as log1p
    from chainrule import sinc as sinc
    from chainrule import softplus as softplus
    from chainrule_special._bessel import airy as airy
    from chainrule_special._bessel import airye as airye
    from chainrule_special._bessel import hankel1 as hankel1
    from chainrule_special._bessel import hankel1e as hankel1e
    from chainrule_special._bessel import hankel2 as hankel2
    from chainrule_special._bessel import hankel2e as hankel2e
    from chainrule_special._bessel import i0 as i0
    from chainrule_special._bessel import i0e as i0e
    from chainrule_special._bessel import i1 as i1
    from chainrule_special._bessel import i1e as i1e
    from chainrule_special._bessel import iv as iv
    from chainrule_special._bessel import ive as ive
    from chainrule_special._bessel import j0 as j0
    from chainrule_special._bessel import j1 as j1
    from chainrule_special._bessel import jn as jn
    from chainrule_special._bessel import jv as jv
    from chainrule_special._bessel import jve as jve
    from chainrule_special._bessel import k0 as k0
    from chainrule_special._bessel import k0e as k0e
    from chainrule_special._bessel import k1 as k1
    from chainrule_special._bessel import k1e as k1e
    from chainrule_special._bessel import kn as kn
    from chainrule_special._bessel import kv as kv
    from chainrule_special._bessel import kve as kve
    from chainrule_special._bessel import spherical_in as spherical_in
    from chainrule_special._bessel import spherical_jn as spherical_jn
    from chainrule_special._bessel import spherical_kn as spherical_kn
    from chainrule_special._bessel import spherical_yn as spherical_yn
    from chainrule_special._bessel import struve as struve
    from chainrule_special._bessel import y0 as y0
    from chainrule_special._bessel import y1 as y1
    from chainrule_special._bessel import yn as yn
    from chainrule_special._bessel import yv as yv
    from chainrule_special._bessel import yve as yve
    from chainrule_special._distributions import bdtr as bdtr
    from chainrule_special._distributions import bdtrc as bdtrc
    from chainrule_special._distributions import chdtr as chdtr
    from chainrule_special._distributions import chdtrc as chdtrc
    from chainrule_special._distributions import chdtri as chdtri
    from chainrule_special._distributions import fdtr as fdtr
    from chainrule_special._distributions import fdtrc as fdtrc
    from chainrule_special._distributions import fdtri as fdtri
    from chainrule_special._distributions import gdtr as gdtr
    from chainrule_special._distributions import gdtrc as gdtrc
    from chainrule_special._distributions import nbdtr as nbdtr
    from chainrule_special._distributions import nbdtrc as nbdtrc
    from chainrule_special._distributions import pdtr as pdtr
    from chainrule_special._distributions import pdtrc as pdtrc
    from chainrule_special._distributions import stdtr as stdtr
    from chainrule_special._distributions import stdtrit as stdtrit
    from chainrule_special._elementary import boxcox as boxcox
    from chainrule_special._elementary import boxcox1p as boxcox1p
    from chainrule_special._elementary import cosdg as cosdg
    from chainrule_special._elementary import cosm1 as cosm1
    from chainrule_special._elementary import cotdg as cotdg
    from chainrule_special._elementary import exp10 as exp10
    from chainrule_special._elementary import expit as expit
    from chainrule_special._elementary import exprel as exprel
    from chainrule_special._elementary import huber as huber
    from chainrule_special._elementary import inv_boxcox as inv_boxcox
    from chainrule_special._elementary import inv_boxcox1p as inv_boxcox1p
    from chainrule_special._elementary import log_expit as log_expit
    from chainrule_special._elementary import logit as logit
    from chainrule_special._elementary import powm1 as powm1
    from chainrule_special._elementary import pseudo_huber as pseudo_huber
    from chainrule_special._elementary import sindg as sindg
    from chainrule_special._elementary import tandg as tandg
    from chainrule_special._elliptic import agm as agm
    from chainrule_special._elliptic import ellipe as ellipe
    from chainrule_special._elliptic import ellipeinc as ellipeinc
    from chainrule_special._elliptic import ellipj as ellipj
    from chainrule_special._elliptic import ellipk as ellipk
    from chainrule_special._elliptic import ellipkinc as ellipkinc
    from chainrule_special._elliptic import ellipkm1 as ellipkm1
    from chainrule_special._entropy import entr as entr
    from chainrule_special._entropy import kl_div as kl_div
    from chainrule_special._entropy import rel_entr as rel_entr
    from chainrule_special._entropy import xlog1py as xlog1py
    from chainrule_special._entropy import xlogy as xlogy
    from chainrule_special._error import dawsn as dawsn
    from chainrule_special._error import erfcinv as erfcinv
    from chainrule_special._error import erfcx as erfcx
    from chainrule_special._error import erfi as erfi
    from chainrule_special._error import erfinv as erfinv
    from chainrule_special._error import log_ndtr as log_ndtr
    from chainrule_special._error import ndtr as ndtr
    from chainrule_special._error import ndtri as ndtri
    from chainrule_special._error import ndtri_exp as ndtri_exp
    from chainrule_special._error import owens_t as owens_t
    from chainrule_special._error import voigt_profile as voigt_profile
    from chainrule_special._error import wofz as wofz
    from chainrule_special._gamma import beta as beta
    from chainrule_special._gamma import betaln as betaln
    from chainrule_special._gamma import binom as binom
    from chainrule_special._gamma import comb as comb
    from chainrule_special._gamma import digamma as digamma
    from chainrule_special._gamma import factorial as factorial
    from chainrule_special._gamma import gamma as gamma
    from chainrule_special._gamma import gammaln as gammaln
    from chainrule_special._gamma import loggamma as loggamma
    from chainrule_special._gamma import multigammaln as multigammaln
    from chainrule_special._gamma import perm as perm
    from chainrule_special._gamma import poch as poch
    from chainrule_special._gamma import polygamma as polygamma
    from chainrule_special._gamma import psi as psi
    from chainrule_special._gamma import rgamma as rgamma
    from chainrule_special._gamma import zeta as zeta
    from chainrule_special._harmonics import sph_harm_y as sph_harm_y
    from chainrule_special._hypergeometric import hyp0f1 as hyp0f1
    from chainrule_special._hypergeometric import hyp1f1 as hyp1f1
    from chainrule_special._hypergeometric import hyp2f1 as hyp2f1
    from chainrule_special._hypergeometric import hyperu as hyperu
    from chainrule_special._incomplete import betainc as betainc
    from chainrule_special._incomplete import betaincc as betaincc
    from chainrule_special._incomplete import betainccinv as betainccinv
    from chainrule_special._incomplete import betaincinv as betaincinv
    from chainrule_special._incomplete import gammainc as gammainc
    from chainrule_special._incomplete import gammaincc as gammaincc
    from chainrule_special._incomplete import gammainccinv as gammainccinv
    from chainrule_special._incomplete import gammaincinv as gammaincinv
    from chainrule_special._integrals import exp1 as exp1
    from chainrule_special._integrals import expi as expi
    from chainrule_special._integrals import expn as expn
    from chainrule_special._integrals import fresnel as fresnel
    from chainrule_special._integrals import shichi as shichi
    from chainrule_special._integrals import sici as sici
    from chainrule_special._integrals import spence as spence
    from chainrule_special._lambert import lambertw as lambertw
    from chainrule_special._lambert import wrightomega as wrightomega
    from chainrule_special._polynomials import eval_chebyt as eval_chebyt
    from chainrule_special._polynomials import eval_chebyu as eval_chebyu
    from chainrule_special._polynomials import eval_gegenbauer as eval_gegenbauer
    from chainrule_special._polynomials import eval_genlaguerre as eval_genlaguerre
    from chainrule_special._polynomials import eval_hermite as eval_hermite
    from chainrule_special._polynomials import eval_hermitenorm as eval_hermitenorm
    from chainrule_special._polynomials import eval_jacobi as eval_jacobi
    from chainrule_special._polynomials import eval_laguerre as eval_laguerre
    from chainrule_special._polynomials import eval_legendre as eval_legendre
    from chainrule_special._sums import log_softmax as log_softmax
    from chainrule_special._sums import logsumexp as logsumexp
    from chainrule_special._sums import softmax as softmax

# Where each public name is.
PARTS = {
    name: part
    for part, names in {
        "chainrule": "cbrt erf erfc exp2 expm1 log1p sinc softplus",
        "._bessel": (
            "airy airye hankel1 hankel1e hankel2 hankel2e i0 i0e i1 i1e iv ive j0 j1 jn jv jve k0 k0e k1 k1e kn kv "
            "kve spherical_in spherical_jn spherical_kn spherical_yn struve y0 y1 yn yv yve"
        ),
        "._distributions": (
            "bdtr bdtrc chdtr chdtrc chdtri fdtr fdtrc fdtri gdtr gdtrc nbdtr nbdtrc pdtr pdtrc stdtr stdtrit"
        ),
        "._elementary": (
            "boxcox boxcox1p cosdg cosm1 cotdg exp10 expit exprel huber inv_boxcox inv_boxcox1p log_expit logit "
            "powm1 pseudo_huber sindg tandg"
        ),
        "._elliptic": "agm ellipe ellipeinc ellipj ellipk ellipkinc ellipkm1",
        "._entropy": "entr kl_div rel_entr xlog1py xlogy",
        "._error": "dawsn erfcinv erfcx erfi erfinv log_ndtr ndtr ndtri ndtri_exp owens_t voigt_profile wofz",
        "._gamma": (
            "beta betaln binom comb digamma factorial gamma gammaln loggamma multigammaln perm poch polygamma "
            "psi rgamma zeta"
        ),
        "._harmonics": "sph_harm_y",
        "._hypergeometric": "hyp0f1 hyp1f1 hyp2f1 hyperu",
        "._incomplete": ("betainc betaincc betainccinv betaincinv gammainc gammaincc gammainccinv gammaincinv"),
        "._integrals": "exp1 expi expn fresnel shichi sici spence",
        "._lambert": "lambertw wrightomega",
        "._polynomials": (
            "eval_chebyt eval_chebyu eval_gegenbauer eval_genlaguerre eval_hermite eval_hermitenorm eval_jacobi "
            "eval_laguerre eval_legendre"
        ),
        "._sums": "log_softmax logsumexp softmax",
    }.items()
    for name in names.split()
}
__all__ = [*PARTS]  # names all the same
__getattr__, __dir__ = lazy_attributes(__name__, PARTS)
