"""The package as chainrule sees it: three functions, and nothing heavy before they run."""

import subprocess
import sys

import chainrule as cr
import chainrule_state
from chainrule_state.plugin import chainrule_functions


def test_hook_gives_the_functions() -> None:
    for name, function in chainrule_functions().items():
        assert getattr(cr, name) is function is getattr(chainrule_state, name)


def test_plugin_loads_nothing_heavy() -> None:
    program = (
        "import sys, chainrule_state.plugin\nassert not {'numpy', 'safetensors', 'chainrule_optim'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_public_names_are_there() -> None:
    assert sorted(chainrule_state.__all__) == chainrule_state.__all__
    for name in chainrule_state.__all__:
        assert getattr(chainrule_state, name).__name__ == name


def test_every_error_is_one_of_chainrules() -> None:
    errors = [getattr(chainrule_state, name) for name in chainrule_state.__all__ if name.endswith("Error")]
    assert len(errors) == 5
    assert all(issubclass(error, cr.ChainruleError) for error in errors)
