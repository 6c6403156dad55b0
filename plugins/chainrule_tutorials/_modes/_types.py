"""What every mode takes and gives."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule_optim import Optimizer

Floats: TypeAlias = NDArray[np.float32]
# Images as rows, and their digits.
Batches: TypeAlias = Iterable[tuple[Floats, NDArray[np.int64]]]
# Called with the loss of each batch, before the step.
Report: TypeAlias = Callable[[float], None]
# Takes a step for each batch; the weights and biases that were learned.
Learn: TypeAlias = Callable[[Batches, Optimizer, Report], tuple[Floats, Floats]]
