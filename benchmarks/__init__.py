"""How fast chainrule is, beside other libraries and hand-written NumPy: `python -m benchmarks`.

One thread, and the kernels that the linear algebra library chooses by itself: both are settled by environment
variables, which it reads when NumPy is imported. So they are set here, before any module of this package imports it.
"""

import os

for _name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(_name, None)
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
