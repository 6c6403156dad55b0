"""The package as chainrule sees it: a hook, a subcommand, and nothing heavy before it runs."""

import subprocess
import sys

import pytest

import chainrule_tutorials
from chainrule_tutorials.plugin import chainrule_commands


def test_hook_gives_the_subcommand() -> None:
    commands = chainrule_commands()
    assert list(commands) == ["mnist"]
    assert "digits" in commands["mnist"].help


def test_plugin_loads_nothing_heavy() -> None:
    program = (
        "import sys, chainrule_tutorials.plugin\n"
        "assert not {'numpy', 'matplotlib', 'chainrule_datasets', 'chainrule_optim'} & set(sys.modules)\n"
        "chainrule_tutorials.train\n"
        "assert 'numpy' in sys.modules and 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_public_names_are_listed_and_there() -> None:
    assert set(chainrule_tutorials.__all__) <= set(dir(chainrule_tutorials))
    for name in chainrule_tutorials.__all__:
        assert getattr(chainrule_tutorials, name) is not None


def test_unknown_name() -> None:
    with pytest.raises(
        AttributeError, match=r"has no attribute 'cifar'; it has MODES, OPTIMIZERS, Settings, Trained, train$"
    ):
        chainrule_tutorials.cifar  # type: ignore[attr-defined]  # noqa: B018  # the missing name is the test
