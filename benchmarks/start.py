"""Fresh processes: what `import chainrule` takes, and the time to a first gradient."""

from __future__ import annotations

import statistics
import subprocess
import sys

from benchmarks.harness import show

ROUNDS = 7
PROGRAMS = {
    "import chainrule": "import chainrule",
    "import numpy": "import numpy",
    "first gradient of the softmax step": """
import chainrule as cr, numpy as np
x, y = np.ones((100, 784), "float32"), np.zeros(100, int)
cr.grad(lambda W: cr.cross_entropy(x @ W, y))(np.zeros((784, 10), "float32"))
""",
}
_CLOCK = "import time; start = time.process_time()\n{}\nprint(time.process_time() - start)"


def report() -> tuple[str, dict[str, float]]:
    """The times as text and as data: medians of processes, without what Python itself takes to start."""
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(ROUNDS):
        for name, program in PROGRAMS.items():
            command = [sys.executable, "-c", _CLOCK.format(program)]
            times[name].append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    medians = {name: statistics.median(each) for name, each in times.items()}
    lines = [f"  {name:<36}{show(value):>8}" for name, value in medians.items()]
    return "\n".join(["fresh processes", *lines]), medians
