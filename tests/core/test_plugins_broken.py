"""Broken plugins of every kind: each is reported by name and cause, leaves nothing behind and hurts nobody else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

HEALTHY = """
from chainrule import elementwise, hookimpl, infer

healthy = elementwise("healthy", infer.same, lambda g, _y, _x: 2 * g, "2 * x.", kernel=lambda xp, x: 0 / 0)

@hookimpl
def chainrule_ops():
    return [healthy]

@hookimpl
def chainrule_kernels():
    return {"python": {"healthy": lambda x: x + x}}

@hookimpl
def chainrule_functions():
    return {"healthy_function": healthy}

@hookimpl
def chainrule_namespaces():
    return {"healthy_space": "math"}
"""

# What every broken plugin has beside its fault: entries of all kinds, of which none may stay.
REST = """
import chainrule as cr
from chainrule import elementwise, hookimpl, infer

def row(name, gradient=lambda g, _y, _x: g):
    return elementwise(name, infer.same, gradient, "x.", kernel=lambda xp, x: x)

broken = row("broken")
bare = row("bare", None)
"""
HOOKS = {
    "ops": "[broken, bare]",
    "functions": "{'broken_function': broken}",
    "numpy_functions": "{'broken_for_numpy': broken}",
    "tensor_methods": "{'broken_method': lambda x: x}",
    "namespaces": "{'broken_space': 'math'}",
    "commands": "{'broken-command': cr.Command('', print, print)}",
    "gradients": "{'bare': lambda g, _y, _x: g, 'broken_gradient': lambda g, _y, _x: g}",
    "kernels": "{'python': {'broken': lambda x: x}}",
    "overrides": "{'broken_set': {'sin': 'broken_gradient'}}",
}

PROBE = """
import json, math
import chainrule as cr
cr.sin
try:
    cr.broken
except cr.UnknownNameError as error:
    use = str(error)
else:
    use = "is there"
from chainrule import _registry
from chainrule._tensor import Tensor
tables = ("ops functions numpy_functions tensor_methods gradients override_sets kernels namespaces commands").split()
plugin = cr.plugins()["broken"]
x = cr.tensor(3.0)
assert cr.plugins()["able"].status == "loaded", cr.plugins()["able"].error
assert cr.healthy(3.0) == 6.0 and cr.healthy_function(3.0) == 6.0 and cr.healthy_space is math
assert float(x + 1) == 4.0 and cr.grad(cr.sin)(0.0) == 1.0 and cr.grad(lambda x: -x * x)(3.0) == -6.0
print(json.dumps({
    "use": use,
    "status": plugin.status,
    "error": plugin.error,
    "trace": plugin.trace,
    "registered": plugin.registered,
    "left": [name for t in tables for name, owner in getattr(_registry, t).owners.items() if owner.plugin == "broken"],
    "method": hasattr(Tensor, "broken_method"),
    "cached": [name for name in vars(cr) if "broken" in name],
}))
from chainrule._cli import main
raise SystemExit(main(["info"]))
"""


def plugin(**faults: str) -> str:
    """A plugin with every hook, some of which return something else."""
    hooks = HOOKS | faults
    lines = [f"@hookimpl\ndef chainrule_{hook}():\n    return {value}\n" for hook, value in hooks.items()]
    return "\n".join([REST, *lines])


def with_hook(source: str) -> str:
    """A plugin that is right but for one more function."""
    return plugin() + "\n" + source


OPS_EXPECTED = "hook chainrule_ops: expected a list of operations, or a mapping with names as keys"
CONFLICT = r"of plugin 'broken' \(broken 1\.0\) at .*broken\.py:\d+ is already registered by plugin"
BROKEN = {
    "import error": ("import no_such_module", r"ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax error": ("def", r"SyntaxError: .*broken\.py, line 1"),
    "exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "exception while it loads": ("1 / 0", "ZeroDivisionError: division by zero"),
    "an operation that is not there, while it loads": (
        "from chainrule import sinn",
        "ImportError: cannot import name 'sinn' from 'chainrule'",
    ),
    "misspelt hook": (
        with_hook("@hookimpl\ndef chainrule_opps(): return []"),
        "PluginValidationError: unknown hook 'chainrule_opps' in plugin",
    ),
    "wrong signature": (
        plugin().replace("def chainrule_ops():", "def chainrule_ops(backend):"),
        r"PluginValidationError: Plugin 'broken' for hook 'chainrule_ops' "
        r"hookimpl definition: chainrule_ops\(backend\) Argument\(s\) {'backend'} are declared in the hookimpl "
        "but can not be found in the hookspec",
    ),
    "unmarked hook": (
        plugin().replace("@hookimpl\ndef chainrule_kernels", "def chainrule_kernels"),
        "PluginError: chainrule_kernels of broken is not marked as a hook: put @chainrule.hookimpl above it",
    ),
    "no hooks": (
        "x = 1",
        "PluginError: broken has no hooks: mark functions called chainrule_ops, .*chainrule_samples with",
    ),
    "exception in a hook": (
        plugin(overrides="1 / 0"),
        "PluginError: hook chainrule_overrides raised ZeroDivisionError: division by zero",
    ),
    "ops: None": (plugin(ops="None"), f"PluginError: {OPS_EXPECTED}, got None"),
    "ops: a text": (plugin(ops="'broken'"), f"PluginError: {OPS_EXPECTED}, got 'broken'"),
    "ops: by no names": (plugin(ops="{3: broken}"), f"PluginError: {OPS_EXPECTED}, got {{3: <func"),
    "ops: by another name": (
        plugin(ops="{'broken': broken, 'bear': bare}"),
        r"PluginError: op 'bear' of plugin 'broken' \(broken 1\.0\) is one that is called 'bare' itself",
    ),
    "ops: no place": (
        plugin(ops="{'broken': broken, 'bear': 'somewhere'}"),
        r"PluginError: op 'bear' of plugin 'broken' \(broken 1\.0\): expected an operation, or "
        "\"module:function\" to import it at its first use, got 'somewhere'",
    ),
    "ops: no operation": (
        plugin(ops="[broken, len]"),
        r"ArgumentError: <built-in function len> of plugin 'broken' \(broken 1\.0\) is no operation: define it with",
    ),
    "ops: not iterable": (plugin(ops="broken"), f"PluginError: {OPS_EXPECTED}, got <func"),
    "functions: a list": (
        plugin(functions="[broken]"),
        "PluginError: hook chainrule_functions: expected a mapping with names as keys",
    ),
    "functions: None": (plugin(functions="None"), "PluginError: hook chainrule_functions: expected .*, got None"),
    "functions: no function": (
        plugin(functions="{'broken_number': 3}"),
        "PluginError: function 'broken_number': expected a function, or .*, got 3",
    ),
    "functions: no place": (
        plugin(functions="{'broken_place': 'broken.module'}"),
        "PluginError: function 'broken_place': expected a function, or \"module:function\" .*, got 'broken.module'",
    ),
    "functions: keys": (
        plugin(functions="{broken: broken}"),
        "PluginError: hook chainrule_functions: expected a mapping",
    ),
    "no identifier": (
        plugin(functions="{'broken-function': broken}"),
        "PluginError: function 'broken-function': not a name that `cr.<name>` can have",
    ),
    "private name": (plugin(ops="[row('_broken')]"), "PluginError: op '_broken': not a name that"),
    "name of chainrule's": (
        plugin(functions="{'grad': broken}"),
        "PluginError: function 'grad' would hide chainrule.grad itself; choose another name",
    ),
    "module of chainrule's": (
        plugin(namespaces="{'ops': 'math'}"),
        "PluginError: namespace 'ops' would hide chainrule.ops",
    ),
    "function with an op's name": (
        plugin(functions="{'sin': broken}"),
        r"PluginError: function 'sin' of plugin 'broken' \(broken 1\.0\): plugin 'arrays' \(chainrule .*\) has a op",
    ),
    "namespace with a function's name": (
        plugin(namespaces="{'healthy_function': 'math'}"),
        r"PluginError: namespace 'healthy_function' of .*: plugin 'able' \(able 2\.5\) has a function",
    ),
    "duplicate op of ours": (plugin(ops="[row('sin')]"), rf"PluginError: op 'sin' {CONFLICT} 'arrays' \(chainrule "),
    "duplicate operator of ours": (
        plugin(ops="[row('add')]"),
        rf"PluginError: op 'add' {CONFLICT} 'arrays' \(chainrule ",
    ),
    "duplicate op of another's": (
        plugin(ops="[broken, row('healthy')]"),
        rf"PluginError: op 'healthy' {CONFLICT} 'able' \(able 2\.5\) at .*able\.py:\d+$",
    ),
    "duplicate function": (
        plugin(functions="{'healthy_function': lambda x: x}"),
        rf"PluginError: function 'healthy_function' {CONFLICT} 'able' \(able 2\.5\) at .*able\.py:\d+$",
    ),
    "duplicate namespace": (
        plugin(namespaces="{'healthy_space': 'cmath'}"),
        "PluginError: namespace 'healthy_space' of plugin 'broken' .* is already registered by plugin 'able'",
    ),
    "function for NumPy that there is": (
        plugin(numpy_functions="{'concatenate': broken}"),
        r"PluginError: NumPy function 'concatenate' of plugin 'broken' .* is already registered by plugin 'arrays'",
    ),
    "tensor method of ours": (
        plugin(tensor_methods="{'broken_method': broken, 'numpy': broken}"),
        "PluginError: tensor method 'numpy' of plugin 'broken' .* would replace one of chainrule's own",
    ),
    "tensor method: no function": (
        plugin(tensor_methods="{'broken_method': 3}"),
        "PluginError: tensor method 'broken_method'",
    ),
    "gradient of an op that has one": (
        plugin(gradients="{'bare': lambda g, _y, _x: g, 'sin': lambda g, _y, _x: g}"),
        r"PluginError: gradient of op 'sin' by plugin 'broken' \(broken 1\.0\) at .*broken\.py:\d+ is "
        r"already defined by plugin 'arrays' \(chainrule .*\) at .*; to put yours in force use cr",
    ),
    "gradient with a wrong signature": (
        plugin(gradients="{'bare': lambda g: g}"),
        r"GradientDefinitionError: gradient of op 'bare' by plugin 'broken' .*has parameters \(g\); it is called with",
    ),
    "gradient: no function": (
        plugin(gradients="{'bare': 3}"),
        "GradientDefinitionError: gradient 'bare' of .*: expected a function or a tuple, got 3",
    ),
    "second kernel": (
        plugin(kernels="{'python': {'broken': lambda x: x, 'healthy': lambda x: x}}"),
        rf"PluginError: kernel 'python:healthy' {CONFLICT} 'able' \(able 2\.5\) at .*able\.py:\d+$",
    ),
    "kernel of no op": (
        plugin(kernels="{'python': {'brokn': lambda x: x}}"),
        "SelectorError: no op is called 'brokn'; did you mean 'broken'",
    ),
    "kernel: no function": (
        plugin(kernels="{'python': {'broken': 3}}"),
        "PluginError: kernel of op 'broken' on backend 'python': 3 cannot be called",
    ),
    "kernels: not by op": (
        plugin(kernels="{'python': [len]}"),
        "PluginError: kernels for backend 'python': expected a mapping of op to kernel",
    ),
    "override of no op": (
        plugin(overrides="{'broken_set': {'sin': 'broken_gradient', 'sing': 'broken_gradient'}}"),
        "SelectorError: override set 'broken_set': no op is called 'sing'; did you mean 'si",
    ),
    "override by no gradient": (
        plugin(overrides="{'broken_set': {'sin': 'broken_gradent'}}"),
        "SelectorError: override set 'broken_set': .*no gradient is registered as 'broken_gradent'; did you mean",
    ),
    "override that cannot be called so": (
        plugin(overrides="{'broken_set': {'sin': lambda g: g}}"),
        r"GradientDefinitionError: override set 'broken_set': gradient of op 'sin' by plugin 'broken' \(broken 1\.0\)",
    ),
    "override set: no mapping": (
        plugin(overrides="{'broken_set': ['sin']}"),
        "PluginError: override set 'broken_set': expected a mapping of op to gradient",
    ),
    "namespace: no text": (
        plugin(namespaces="{'broken_space': 3}"),
        "PluginError: namespace 'broken_space': expected a module's name, got 3",
    ),
    "command: no command": (
        plugin(commands="{'broken-command': print}"),
        "PluginError: command 'broken-command': expected a chainrule.Command",
    ),
    "command of ours": (
        plugin(commands="{'info': cr.Command('', print, print)}"),
        "PluginError: command 'info' is chainrule's own; choose another name",
    ),
}


def check(installed: Any, cause: str, origin: str = "broken 1.0, broken") -> None:
    """The plugin `broken` failed for this cause, which a use of it and the report tell; all others work."""
    done = installed.python("-c", PROBE)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "\n1 plugin failed to load; see above\n"
    probe, report = done.stdout.split("\n", 1)
    found = json.loads(probe)
    assert found["status"] == "failed"
    assert re.search(f"^{cause}", found["error"]), found["error"]
    assert f"plugin 'broken' (broken 1.0) failed to load ({found['error']}); see `chainrule info`." in found["use"]
    assert (found["left"], found["method"], found["registered"], found["cached"]) == ([], False, {}, [])
    lines = report.splitlines()
    place = lines.index(f"  broken ({origin}): failed: {found['error']}")
    assert re.match(r"    \| (Traceback|  File)", lines[place + 1])
    assert "  able (able 2.5, able): loaded" in lines


@pytest.mark.parametrize("kind", BROKEN)
def test_broken(installed: Any, kind: str) -> None:
    source, cause = BROKEN[kind]
    installed.add("able", HEALTHY, version="2.5")
    installed.add("broken", source)
    check(installed, cause)


def test_missing_attribute_and_missing_module(installed: Any) -> None:
    installed.add("able", HEALTHY, version="2.5")
    installed.add("broken", REST, "broken:plugin")
    check(installed, "AttributeError: module 'broken' has no attribute 'plugin'", "broken 1.0, broken:plugin")
    installed.folder.joinpath("broken.py").unlink()
    check(installed, "ModuleNotFoundError: No module named 'broken'", "broken 1.0, broken:plugin")


def test_two_distributions_with_one_name(installed: Any) -> None:
    installed.add("able", HEALTHY, version="2.5")
    installed.add("broken", plugin())
    installed.add("broken", plugin(), distribution="rival", version="3.1")
    check(
        installed,
        r"PluginError: plugin 'broken' is provided by broken \(of broken 1\.0\) and rival \(of rival 3\.1\); "
        "uninstall one of them$",
    )


def test_of_two_plugins_with_one_op_the_first_in_name_order_has_it(installed: Any) -> None:
    installed.add("able", HEALTHY, version="2.5")
    source = REST + "@hookimpl\ndef chainrule_ops():\n    return [row('shared')]\n"
    installed.add("first", source)
    installed.add("second", source)
    installed.run(
        """
        import chainrule as cr
        assert cr.shared.op.owner.plugin == "first"
        second = cr.plugins()["second"]
        assert second.status == "failed"
        assert "op 'shared' of plugin 'second' (second 1.0) at " in second.error, second.error
        assert " is already registered by plugin 'first' (first 1.0) at " in second.error, second.error
        """
    )


def test_no_plugin_takes_an_operation_from_chainrules_own_by_its_name(installed: Any) -> None:
    """In name order alone, this one would come before `arrays`."""
    installed.add("aaa", REST + "@hookimpl\ndef chainrule_ops():\n    return [row('sin'), row('add')]\n")
    installed.run(
        """
        import chainrule as cr
        assert {n: p.status for n, p in cr.plugins().items()}["aaa"] == "failed"
        assert cr.grad(cr.sin)(0.0) == 1.0 and float(cr.tensor(1.0) + 1) == 2.0
        """
    )


def test_optional_hook_that_this_version_does_not_know_is_no_fault(installed: Any) -> None:
    source = TWO_HOOKS.replace("@hookimpl", "@hookimpl(optionalhook=True)", 1)
    installed.add("newer", source)
    assert installed.run("import chainrule as cr; print(cr.one(), cr.plugins()['newer'].status)") == "1 loaded\n"


TWO_HOOKS = """
from chainrule import hookimpl

@hookimpl
def chainrule_of_the_future(): return []

@hookimpl
def chainrule_functions(): return {"one": lambda: 1}
"""


def test_failing_info_lines_are_reported_in_their_place(installed: Any) -> None:
    source = TWO_HOOKS.replace("chainrule_of_the_future(): return []", "chainrule_info(): return 1 / 0")
    installed.add("shaky", source)
    done = installed.chainrule("info")
    assert done.returncode == 0
    lines = "    1 function: one\n    chainrule_info failed: ZeroDivisionError: division by zero\n"
    assert f"  shaky (shaky 1.0, shaky): loaded\n{lines}" in done.stdout


def test_failing_command_of_a_plugin_breaks_itself_alone(installed: Any) -> None:
    commands = "{'broken-command': cr.Command('it fails', lambda parser: 1 / 0, print)}"
    installed.add("broken", plugin(commands=commands))
    assert installed.chainrule("info").returncode == 0
    assert "broken-command" in installed.chainrule("--help").stdout
    done = installed.chainrule("broken-command")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_kernel_that_the_backend_has_itself(installed: Any) -> None:
    """It cannot be seen before the backend is there, so the use of the operation says it, and the report."""
    installed.add("able", HEALTHY, version="2.5")
    kernels = "{'python': {'scatter_add': lambda x: x}, 'nunpy': {'broken': lambda x: x}}"
    installed.add("usurper", plugin(kernels=kernels))
    installed.run(
        """
        import chainrule as cr
        from chainrule._registry import find_op
        try:
            find_op("scatter_add").kernels[cr.get_backend()]
        except cr.PluginError as error:
            expected = ("kernel of op 'scatter_add' on backend 'python': both the backend itself and plugin 'usurper' "
                        "(usurper 1.0) have one")
            assert str(error) == expected, error
        else:
            raise AssertionError("no error")
        assert cr.healthy(1.0) == 2.0 and cr.cos(0.0) == 1.0
        """
    )
    report = installed.chainrule("info").stdout
    assert "    conflict: kernel of op 'scatter_add': backend 'python' has one itself\n" in report
    assert "    kernel of op 'broken' is for backend 'nunpy', which is not installed\n" in report
