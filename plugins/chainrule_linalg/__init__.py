"""Linear algebra over stacks of matrices, real and complex: `cr.linalg`, by the names of the array API standard.

>>> import chainrule as cr
>>> a = cr.tensor([[2.0, 1.0], [1.0, 3.0]])
>>> cr.grad(lambda a: cr.linalg.slogdet(a).logabsdet)(a)
Tensor([[ 0.6, -0.2],
        [-0.2,  0.4]], float64)

Importing the package imports none of its parts: each is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING

from chainrule import lazy_attributes

if TYPE_CHECKING:
    from chainrule_arrays import diagonal as diagonal
    from chainrule_arrays import kron as kron
    from chainrule_arrays import matmul as matmul
    from chainrule_arrays import matrix_transpose as matrix_transpose
    from chainrule_arrays import outer as outer
    from chainrule_arrays import tensordot as tensordot
    from chainrule_arrays import vecdot as vecdot
    from chainrule_linalg._determinants import cofactor as cofactor
    from chainrule_linalg._determinants import det as det
    from chainrule_linalg._determinants import slogdet as slogdet
    from chainrule_linalg._eigen import eig as eig
    from chainrule_linalg._eigen import eigh as eigh
    from chainrule_linalg._eigen import eigvals as eigvals
    from chainrule_linalg._eigen import eigvalsh as eigvalsh
    from chainrule_linalg._factorizations import cholesky as cholesky
    from chainrule_linalg._factorizations import qr as qr
    from chainrule_linalg._lu import lu as lu
    from chainrule_linalg._lu import lu_factor as lu_factor
    from chainrule_linalg._lu import lu_solve as lu_solve
    from chainrule_linalg._matrix_functions import expm as expm
    from chainrule_linalg._matrix_functions import logm as logm
    from chainrule_linalg._matrix_functions import sqrtm as sqrtm
    from chainrule_linalg._norms import cond as cond
    from chainrule_linalg._norms import matrix_norm as matrix_norm
    from chainrule_linalg._norms import vector_norm as vector_norm
    from chainrule_linalg._products import block_diag as block_diag
    from chainrule_linalg._products import cross as cross
    from chainrule_linalg._products import matrix_power as matrix_power
    from chainrule_linalg._products import multi_dot as multi_dot
    from chainrule_linalg._products import trace as trace
    from chainrule_linalg._solve import cholesky_solve as cholesky_solve
    from chainrule_linalg._solve import inv as inv
    from chainrule_linalg._solve import solve as solve
    from chainrule_linalg._solve import solve_triangular as solve_triangular
    from chainrule_linalg._svd import lstsq as lstsq
    from chainrule_linalg._svd import matrix_rank as matrix_rank
    from chainrule_linalg._svd import pinv as pinv
    from chainrule_linalg._svd import svd as svd
    from chainrule_linalg._svd import svdvals as svdvals
    from chainrule_linalg._tensors import tensorinv as tensorinv
    from chainrule_linalg._tensors import tensorsolve as tensorsolve

# Where each public name is.
_PARTS = {
    "block_diag": "chainrule_linalg._products",
    "cholesky": "chainrule_linalg._factorizations",
    "cholesky_solve": "chainrule_linalg._solve",
    "cofactor": "chainrule_linalg._determinants",
    "cond": "chainrule_linalg._norms",
    "cross": "chainrule_linalg._products",
    "det": "chainrule_linalg._determinants",
    "diagonal": "chainrule_arrays",
    "eig": "chainrule_linalg._eigen",
    "eigh": "chainrule_linalg._eigen",
    "eigvals": "chainrule_linalg._eigen",
    "eigvalsh": "chainrule_linalg._eigen",
    "expm": "chainrule_linalg._matrix_functions",
    "inv": "chainrule_linalg._solve",
    "kron": "chainrule_arrays",
    "logm": "chainrule_linalg._matrix_functions",
    "lstsq": "chainrule_linalg._svd",
    "lu": "chainrule_linalg._lu",
    "lu_factor": "chainrule_linalg._lu",
    "lu_solve": "chainrule_linalg._lu",
    "matmul": "chainrule_arrays",
    "matrix_norm": "chainrule_linalg._norms",
    "matrix_power": "chainrule_linalg._products",
    "matrix_rank": "chainrule_linalg._svd",
    "matrix_transpose": "chainrule_arrays",
    "multi_dot": "chainrule_linalg._products",
    "outer": "chainrule_arrays",
    "pinv": "chainrule_linalg._svd",
    "qr": "chainrule_linalg._factorizations",
    "slogdet": "chainrule_linalg._determinants",
    "solve": "chainrule_linalg._solve",
    "solve_triangular": "chainrule_linalg._solve",
    "sqrtm": "chainrule_linalg._matrix_functions",
    "svd": "chainrule_linalg._svd",
    "svdvals": "chainrule_linalg._svd",
    "tensordot": "chainrule_arrays",
    "tensorinv": "chainrule_linalg._tensors",
    "tensorsolve": "chainrule_linalg._tensors",
    "trace": "chainrule_linalg._products",
    "vecdot": "chainrule_arrays",
    "vector_norm": "chainrule_linalg._norms",
}
__all__ = [*_PARTS]  # names all the same
__getattr__, __dir__ = lazy_attributes(__name__, _PARTS)
