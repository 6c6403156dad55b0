"""How fast chainrule is, beside other libraries and hand-written NumPy: `python -m benchmarks`.

One thread, and the kernels that the linear algebra library chooses by itself: both are settled by environment
variables, which libraries read when they are imported. So they are set here, before any module of this package imports
one, and every process that this one starts has them too.
"""

import os

for _name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(_name, None)
for _name in ("OPENBLAS_NUM", "OMP_NUM", "MKL_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP"):
    os.environ[f"{_name}_THREADS"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # errors alone
