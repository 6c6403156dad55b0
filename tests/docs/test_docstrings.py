"""The examples of operations run: those of elementwise rows are in no module where doctests would be collected."""

import doctest

import pytest

import chainrule as cr
from chainrule import _plugins, _registry

_plugins.load_plugins()
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
DOCUMENTED = sorted(name for name in _registry.ops if ">>>" in (_registry.ops.find(name).__doc__ or ""))


def test_there_are_examples():
    assert {"relu", "sum", "stop_gradient"} <= set(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_example_of_an_operation(name):
    function = _registry.ops.find(name)
    examples = doctest.DocTestParser().get_doctest(function.__doc__, {"cr": cr}, name, None, None)
    report = []
    doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(examples, out=report.append)
    assert not report, "".join(report)
