"""How fast chainrule is, beside other libraries and hand-written NumPy: `python -m benchmarks`."""
