"""Fourier transforms: `cr.fft`, by the names of the array API standard, NumPy and SciPy.

>>> import chainrule as cr
>>> x = cr.tensor([1.0, 2.0, 4.0])
>>> cr.grad(lambda x: cr.sum(cr.square(cr.abs(cr.fft.fft(x)))))(x)  # 2 * 3 * x, by Parseval
Tensor([ 6., 12., 24.], float64)

Importing the package imports none of its parts: each is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING

from chainrule import lazy_attributes

if TYPE_CHECKING:
    from chainrule_fft._frequencies import fftfreq as fftfreq
    from chainrule_fft._frequencies import fftshift as fftshift
    from chainrule_fft._frequencies import ifftshift as ifftshift
    from chainrule_fft._frequencies import rfftfreq as rfftfreq
    from chainrule_fft._public import fft as fft
    from chainrule_fft._public import fft2 as fft2
    from chainrule_fft._public import fftn as fftn
    from chainrule_fft._public import hfft as hfft
    from chainrule_fft._public import hfft2 as hfft2
    from chainrule_fft._public import hfftn as hfftn
    from chainrule_fft._public import ifft as ifft
    from chainrule_fft._public import ifft2 as ifft2
    from chainrule_fft._public import ifftn as ifftn
    from chainrule_fft._public import ihfft as ihfft
    from chainrule_fft._public import ihfft2 as ihfft2
    from chainrule_fft._public import ihfftn as ihfftn
    from chainrule_fft._public import irfft as irfft
    from chainrule_fft._public import irfft2 as irfft2
    from chainrule_fft._public import irfftn as irfftn
    from chainrule_fft._public import rfft as rfft
    from chainrule_fft._public import rfft2 as rfft2
    from chainrule_fft._public import rfftn as rfftn

# Where each public name is.
PARTS = {
    name: part
    for part, names in {
        "._frequencies": "fftfreq fftshift ifftshift rfftfreq",
        "._public": (
            "fft fft2 fftn hfft hfft2 hfftn ifft ifft2 ifftn ihfft ihfft2 ihfftn irfft irfft2 irfftn rfft rfft2 rfftn"
        ),
    }.items()
    for name in names.split()
}
__all__ = [*PARTS]  # names all the same
__getattr__, __dir__ = lazy_attributes(__name__, PARTS)
