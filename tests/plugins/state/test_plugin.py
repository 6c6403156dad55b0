"""The package as chainrule sees it: three functions, and nothing heavy before they run."""

import subprocess
import sys

import chainrule as cr
import chainrule_state
from chainrule_state.plugin import chainrule_functions


def test_hook_gives_the_functions() -> None:
    assert sorted(chainrule_functions()) == ["inspect_checkpoint", "load", "save"]
    for name in chainrule_functions():
        assert getattr(cr, name) is getattr(chainrule_state, name)


def test_plugin_loads_nothing_heavy() -> None:
    program = (
        "import sys, chainrule as cr, chainrule_state.plugin\n"
        "assert not {'numpy', 'safetensors', 'chainrule_optim', 'chainrule_state._load'} & set(sys.modules)\n"
        "cr.sum, cr.save\n"
        "assert not {'chainrule_state._load', 'chainrule_optim._checked', 'scipy'} & set(sys.modules)"
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
