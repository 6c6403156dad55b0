"""A library that computes on a device that is current: every kernel, whoever wrote it, is wrapped by its backend."""

from __future__ import annotations

import sys
from dataclasses import replace

import chainrule as cr

ran = []


def on_device(kernel):
    def run(*arrays, **attributes):
        ran.append(len(arrays))
        return kernel(*arrays, **attributes)

    return run


class Plugin:
    @cr.hookimpl
    def chainrule_ops(self):
        @cr.op(lambda x: x, lambda g, _y, _x: g, name="made_up.placed")
        def placed(xp, x, /):
            raise AssertionError("the backend has a kernel of its own")

        return [placed]

    @cr.hookimpl
    def chainrule_kernels(self):
        return {"placed": {"made_up.placed": lambda x: x * 2.0}}


def test_every_kernel_is_wrapped():
    cr.register_plugin(Plugin(), "plugin_of_made_up_placed")
    plain = sys.modules["python_backend"].python_backend
    cr.register_backend("placed", lambda: replace(plain(), name="placed", on_device=on_device))
    with cr.use_backend("placed"):
        x = cr.tensor([1.0, 2.0])

        def calls(f):
            ran.clear()
            f(x)
            return list(ran)

        assert calls(cr.exp) == [1]  # generic
        assert calls(lambda x: cr.ops.scatter_add_rows(x, cr.tensor([0, 1]), rows=2)) == [2]  # the backend's
        assert calls(getattr(cr.ops, "made_up.placed")) == [1]  # a plugin's
        loop = cr.function(lambda x: cr.fori_loop(0, 2, lambda _, y: y * x, x))
        loop(x)
        assert calls(loop) == [2, 2, 2]  # built for an instruction, around the kernels of two steps
