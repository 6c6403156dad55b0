"""The package as chainrule sees it: a hook, a namespace, and no array library before a data set is asked for."""

import subprocess
import sys

import pytest

import chainrule_datasets
from chainrule_datasets.plugin import chainrule_namespaces


def test_hook_names_the_package() -> None:
    assert chainrule_namespaces() == {"datasets": chainrule_datasets.__name__}


def test_plugin_loads_without_numpy() -> None:
    program = (
        "import sys, chainrule_datasets.plugin\n"
        "assert 'numpy' not in sys.modules\n"
        "chainrule_datasets.mnist\n"
        "assert 'numpy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_public_names_are_listed_and_there() -> None:
    assert set(chainrule_datasets.__all__) <= set(dir(chainrule_datasets))
    for name in chainrule_datasets.__all__:
        assert getattr(chainrule_datasets, name).__name__ == name


def test_unknown_name() -> None:
    message = "^module 'chainrule_datasets' has no attribute 'cifar'; it has DatasetError, .*, mnist$"
    with pytest.raises(AttributeError, match=message):
        chainrule_datasets.cifar  # type: ignore[attr-defined]  # noqa: B018  # the missing name is the test
