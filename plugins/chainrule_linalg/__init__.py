"""Linear algebra over stacks of matrices, real and complex: `cr.linalg`, by the names of the array API standard.

>>> import chainrule as cr
>>> a = cr.tensor([[2.0, 1.0], [1.0, 3.0]])
>>> cr.grad(lambda a: cr.linalg.slogdet(a).logabsdet)(a)
Tensor([[ 0.6, -0.2],
        [-0.2,  0.4]], float64)
"""

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
from chainrule_linalg._eigen import eigh as eigh
from chainrule_linalg._eigen import eigvalsh as eigvalsh
from chainrule_linalg._factorizations import cholesky as cholesky
from chainrule_linalg._factorizations import qr as qr
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

__all__ = [
    "block_diag",
    "cholesky",
    "cholesky_solve",
    "cofactor",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "kron",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]
