"""The package as chainrule sees it: a hook and a namespace, and no array library of its own."""

import subprocess
import sys
from abc import ABCMeta

import pytest

import chainrule as cr
import chainrule_optim
from chainrule_optim.plugin import chainrule_namespaces


def test_hook_names_the_package() -> None:
    assert chainrule_namespaces() == {"optim": chainrule_optim.__name__}
    assert cr.optim is chainrule_optim


def test_no_array_library_is_imported() -> None:
    program = "import sys, chainrule_optim.plugin\nassert not {'numpy', 'scipy', 'cupy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


RULES = ["Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "GradientDescent", "Lion", "Momentum", "Nadam"]


def test_public_names() -> None:
    rules = [name for name in chainrule_optim.__all__ if isinstance(getattr(chainrule_optim, name), ABCMeta)]
    assert rules == sorted([*RULES, "Optimizer", "RMSProp"], key=chainrule_optim.__all__.index)
    others = ["Checked", "GradientCheckWarning", "LBFGS", "checked", "clip_by_global_norm"]
    others += ["clip_by_norm", "clip_by_value", "global_norm", "schedules"]
    assert sorted({*chainrule_optim.__all__} - {*rules}) == others
    assert {*chainrule_optim.__all__} <= {*dir(chainrule_optim)}
    assert repr(chainrule_optim.Adam()) == "<Adam 'Adam' learning_rate=0.001>"
    assert cr.checked is chainrule_optim.checked


@pytest.mark.parametrize(("name", "says"), [("Sgd", "it has Adadelta, "), ("Adm", "did you mean 'Adam'[?] it has ")])
def test_a_name_that_is_not_there(name: str, says: str) -> None:
    with pytest.raises(AttributeError, match=f"^module 'chainrule_optim' has no attribute '{name}'; {says}"):
        getattr(chainrule_optim, name)


def test_parts_are_imported_when_they_are_asked_for() -> None:
    program = (
        "import sys, chainrule_optim\n"
        "assert 'chainrule_optim._optimizer' not in sys.modules\n"
        "chainrule_optim.Adam\n"
        "assert 'chainrule_optim._ftrl' not in sys.modules and 'chainrule_optim.schedules' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
