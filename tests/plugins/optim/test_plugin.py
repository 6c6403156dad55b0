"""The package as chainrule sees it: a hook and a namespace, and no array library of its own."""

import subprocess
import sys

import chainrule as cr
import chainrule_optim
from chainrule_optim.plugin import chainrule_namespaces


def test_hook_names_the_package() -> None:
    assert chainrule_namespaces() == {"optim": chainrule_optim.__name__}
    assert cr.optim is chainrule_optim


def test_no_array_library_is_imported() -> None:
    program = "import sys, chainrule_optim.plugin\nassert not {'numpy', 'scipy', 'cupy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_public_names() -> None:
    assert chainrule_optim.__all__ == ["Adam", "GradientDescent", "Momentum", "Optimizer"]
    assert all(
        issubclass(getattr(chainrule_optim, name), chainrule_optim.Optimizer) for name in chainrule_optim.__all__
    )
    assert repr(chainrule_optim.Adam()) == "<Adam 'Adam' learning_rate=0.001>"
