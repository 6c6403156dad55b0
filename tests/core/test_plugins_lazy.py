"""Operations that a plugin registers by their places: imported at their first use, and known by name before."""

from __future__ import annotations

import re
from typing import Any

import pytest

OPS = """
from chainrule import elementwise, infer, op

double = elementwise("double", infer.same, lambda g, _y, _x: 2 * g, "2 * x.", kernel=lambda xp, x: x + x)
bare = elementwise("bare", infer.same, None, "x.", kernel=lambda xp, x: x)
thrice = elementwise("space.thrice", infer.same, lambda g, _y, _x: 3 * g, "3 * x.", kernel=lambda xp, x: x + x + x)
number = 3
"""
HOOKS = """
from chainrule import hookimpl

@hookimpl
def chainrule_ops():
    return {"double": "its_ops:double", "bare": "its_ops:bare", "space.thrice": "its_ops:thrice"}

@hookimpl
def chainrule_numpy_functions():
    return {"made_up_for_numpy": "its_ops:double"}
"""
PRELUDE = """
import sys
import chainrule as cr
from chainrule import _registry, ops

def is_imported():
    return "its_ops" in sys.modules

def message(error, function, *arguments):
    try:
        function(*arguments)
    except error as e:
        return str(e)
    raise AssertionError("no error")
"""


@pytest.fixture
def lazy(installed: Any) -> Any:
    """A plugin `lazy` whose operations are in a module `its_ops`."""
    installed.folder.joinpath("its_ops.py").write_text(OPS)
    installed.add("lazy", HOOKS)
    return installed


@pytest.mark.parametrize(
    "use",
    [
        "cr.double(1.0)",
        "ops.double(1.0)",
        "_registry.find_op('space.thrice')",
        "_registry.numpy_functions.find('made_up_for_numpy')",
        "message(cr.MissingGradientError, cr.grad(lambda x: ops.bare(x)), 1.0)",
        "cr.override_gradients({'double': lambda g, _y, _x: g}).__enter__()",
        "cr.register_gradient('bare', lambda g, _y, _x: g)",
        "__import__('pickle').loads(b'\\x80\\x04cchainrule._registry\\nfind_op\\n(Vdouble\\ntR.')",
    ],
)
def test_the_module_is_imported_at_the_first_use(lazy: Any, use: str) -> None:
    lazy.run(
        f"""{PRELUDE}
cr.grad(cr.sin)(1.0), cr.plugins(), ops.sin
assert "double" in dir(cr) and "space.thrice" in _registry.ops and not is_imported()
{use}
assert is_imported()
"""
    )


def test_an_operation_is_the_same_by_every_name(lazy: Any) -> None:
    lazy.run(
        f"""{PRELUDE}
import pickle
assert cr.double is ops.double is _registry.numpy_functions.find("made_up_for_numpy")
assert cr.double(2.0) == 4.0 and cr.grad(cr.double)(2.0) == 2.0
assert pickle.loads(pickle.dumps(cr.double.op)) is cr.double.op
import its_ops
assert cr.double is its_ops.double and _registry.find_op("space.thrice") is its_ops.thrice.op
assert not hasattr(cr, "thrice")
"""
    )


def test_it_belongs_to_its_plugin_whoever_imports_it(lazy: Any) -> None:
    lazy.run(
        f"""{PRELUDE}
import its_ops
cr.plugins()
assert str(its_ops.double.op.owner) == "plugin 'lazy' (lazy 1.0)" == str(its_ops.double.op.definition.owner)
mine = cr.elementwise("double", cr.infer.same, None, "Mine.")
assert str(mine.op.owner) == "your code"
told = message(cr.MissingGradientError, cr.grad(its_ops.bare), 1.0)
assert "op 'bare' of plugin 'lazy' (lazy 1.0) has no gradient definition" in told
"""
    )


def test_what_was_compiled_before_stays_compiled(lazy: Any) -> None:
    lazy.run(
        f"""{PRELUDE}
traces = []
@cr.function
def f(x):
    traces.append(x)
    return x * x
f(1.0)
generation = _registry.generation
cr.double(1.0)
f(2.0)
assert len(traces) == 1 and _registry.generation == generation
"""
    )


def test_two_plugins_with_one_name(lazy: Any) -> None:
    lazy.add("other", HOOKS.replace("its_ops", "other_ops"))
    lazy.add("third", OPS + "from chainrule import hookimpl\n@hookimpl\ndef chainrule_ops():\n    return [double]\n")
    printed = lazy.run(
        f"""{PRELUDE}
for name in ("other", "third"):
    print(cr.plugins()[name].error)
assert cr.double(1.0) == 2.0 and "other_ops" not in sys.modules
"""
    ).splitlines()
    taken = "is already registered by plugin 'lazy' (lazy 1.0) at its_ops:double"
    assert printed[0] == f"PluginError: op 'double' of plugin 'other' (other 1.0) at other_ops:double {taken}"
    assert re.fullmatch(
        rf"PluginError: op 'double' of plugin 'third' \(third 1\.0\) at .*third\.py:4 {re.escape(taken)}", printed[1]
    )


def test_again_as_a_notebook_does(lazy: Any) -> None:
    lazy.run(
        f"""{PRELUDE}
class Plugin:
    @cr.hookimpl
    def chainrule_ops(self):
        return {{"own": "own_ops:own"}}
cr.register_plugin(Plugin(), "mine")
cr.register_plugin(Plugin(), "mine")
assert cr.plugins()["mine"].registered == {{"ops": ["own"]}} and _registry.ops["own"] == "own_ops:own"
"""
    )


def test_kernels_gradients_and_overrides_of_another_plugin(lazy: Any) -> None:
    """Kernels need the name alone; a gradient is checked against the operation, which is imported for that."""
    hooks = "from chainrule import hookimpl\n"
    kernels = "@hookimpl\ndef chainrule_kernels():\n    return {'python': {'double': lambda x: x * 7}}\n"
    lazy.add("kernels", hooks + kernels)
    lazy.run(f"{PRELUDE}cr.plugins(); assert not is_imported(); assert cr.double(1.0) == 7.0")
    lazy.run(f"{PRELUDE}import its_ops; assert its_ops.double(1.0) == 2.0; cr.plugins(); assert cr.double(1.0) == 7.0")

    gradients = "@hookimpl\ndef chainrule_gradients():\n    return {'bare': lambda g, _y, _x: 5 * g}\n"
    sets = "@hookimpl\ndef chainrule_overrides():\n    return {'nine': {'space.thrice': lambda g, _y, _x: 9 * g}}\n"
    lazy.add("all", hooks + gradients + sets)
    bad = "@hookimpl\ndef chainrule_gradients():\n    return {'double': lambda g, _y, _x: 5 * g}\n"
    lazy.add("bad", hooks + bad)
    printed = lazy.run(
        f"""{PRELUDE}
assert cr.grad(cr.bare)(1.0) == 5.0 and cr.grad(cr.double)(1.0) == 2.0
import its_ops
with cr.override_gradients("nine"):
    assert cr.grad(its_ops.thrice)(1.0) == 9.0
print(cr.plugins()["bad"].error)
"""
    )
    assert "gradient of op 'double' by plugin 'bad' (bad 1.0) at " in printed
    assert "is already defined by plugin 'lazy' (lazy 1.0) at " in printed
    printed = lazy.run(f"{PRELUDE}print(message(cr.SelectorError, cr.override_gradients({{'doubel': 1}}).__enter__))")
    assert "no op is called 'doubel'; did you mean 'double'?" in printed


def test_an_operator_may_be_imported_at_its_first_use(lazy: Any) -> None:
    source = OPS.replace('elementwise("double"', 'elementwise("negative"')
    lazy.folder.joinpath("its_ops.py").write_text(source)
    lazy.folder.joinpath("lazy.py").write_text(HOOKS.replace('"double"', '"negative"'))
    lazy.run(
        f"{PRELUDE}x = cr.tensor(3.0); cr.plugins(); assert not is_imported(); assert float((-x).value.item()) == 6.0",
        CHAINRULE_DISABLE_PLUGINS="arrays",
    )


@pytest.mark.parametrize(
    ("place", "cause"),
    [
        ("no_such_module:double", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("its_ops:dubble", "AttributeError: module 'its_ops' has no attribute 'dubble'"),
        ("its_ops:number", "ArgumentError: 3 of plugin 'lazy' (lazy 1.0) is no operation: define it with cr.op or"),
        ("its_ops:bare", "PluginError: op 'double' of plugin 'lazy' (lazy 1.0) is one that is called 'bare' itself"),
    ],
)
def test_a_place_where_it_is_not(lazy: Any, place: str, cause: str) -> None:
    lazy.folder.joinpath("lazy.py").write_text(HOOKS.replace('"double": "its_ops:double"', f'"double": "{place}"'))
    printed = lazy.run(
        f"""{PRELUDE}
assert cr.plugins()["lazy"].status == "loaded" and cr.grad(cr.sin)(0.0) == 1.0
for use in (lambda: cr.double, lambda: ops.double, lambda: _registry.find_op("double")):
    print(message(cr.PluginError, use))
assert cr.plugins()["lazy"].status == "failed" and cr.grad(ops.sin)(0.0) == 1.0
assert _registry.find_op("space.thrice").name == "space.thrice"
"""
    ).splitlines()
    assert len(set(printed)) == 1
    assert printed[0].startswith(f"op 'double' of plugin 'lazy' (lazy 1.0) cannot be had from {place}: {cause}")
    done = lazy.chainrule("info")
    assert "1 plugin failed to load" in done.stderr
    assert f"  lazy (lazy 1.0, lazy): failed: {cause}" in done.stdout
    assert "    3 ops: bare, double, space.thrice\n" in done.stdout
    assert "    | Traceback (most recent call last):\n" in done.stdout
    assert "kernels for" in done.stdout


def test_threads_that_ask_at_once_get_one_operation(lazy: Any) -> None:
    lazy.folder.joinpath("its_ops.py").write_text("import time\ntime.sleep(0.1)\n" + OPS + "\ntime.sleep(0.1)\n")
    lazy.run(
        f"""{PRELUDE}
import threading
barrier, found = threading.Barrier(8), []
def use():
    barrier.wait()
    found.append((ops.double if len(found) % 2 else cr.double, float(cr.grad(ops.double)(1.0))))
threads = [threading.Thread(target=use) for _ in range(8)]
[t.start() for t in threads], [t.join(20) for t in threads]
assert found == [(cr.double, 2.0)] * 8, found
"""
    )


def test_a_module_that_asks_for_plugins_while_it_is_imported(lazy: Any) -> None:
    """Its import loads the plugins, one of which needs it: that one is entered afterwards, by whichever thread asks."""
    lazy.folder.joinpath("its_ops.py").write_text("import time, chainrule\ntime.sleep(0.2)\nchainrule.sin\n" + OPS)
    sets = "@hookimpl\ndef chainrule_overrides():\n    return {'nine': {'double': lambda g, _y, _x: 9 * g}}\n"
    lazy.add("sets", f"from chainrule import hookimpl\n{sets}")
    lazy.run(
        f"""{PRELUDE}
import its_ops
with cr.override_gradients("nine"):
    assert cr.grad(cr.double)(1.0) == 9.0
assert {{p.status for p in cr.plugins().values()}} == {{"loaded"}}
"""
    )
    lazy.run(
        f"""{PRELUDE}
import threading
def imports():
    import its_ops
threads = [threading.Thread(target=imports), threading.Thread(target=lambda: cr.double(1.0))]
[t.start() for t in threads], [t.join(20) for t in threads]
assert not any(t.is_alive() for t in threads), "deadlock"
with cr.override_gradients("nine"):
    assert cr.grad(cr.double)(1.0) == 9.0
"""
    )
