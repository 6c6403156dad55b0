"""Finding and loading plugins: what healthy ones give, in which order, and what switches them off and on."""

from __future__ import annotations

from typing import Any

import pytest

TWICE = """
from chainrule import elementwise, hookimpl, infer

twice = elementwise("twice", infer.same, lambda g, _y, _x: 2 * g, "2 * x.", kernel=lambda xp, x: 2 * x)

@hookimpl
def chainrule_ops():
    return [twice]
"""

STRAIGHT = """
from chainrule import hookimpl

@hookimpl
def chainrule_overrides():
    return {"straight_through": {"sign": lambda g, _y, _x: g, "floor": lambda g, _y, _x: g}}
"""

GRADIENT_OF_SIGN = "import chainrule as cr; print(float(cr.grad(cr.sign)(3.0)))"


def test_every_hook_reaches_its_place(installed: Any) -> None:
    source = """
import chainrule as cr
from chainrule import elementwise, hookimpl, infer

cube = elementwise("cube", infer.same, lambda g, _y, x: g * (3.0 * x * x), "x**3.", kernel=lambda xp, x: x * x * x)
bare = elementwise("bare", infer.same, None, "x.", kernel=lambda xp, x: x)

@hookimpl
def chainrule_ops():
    return (f for f in (cube, bare))

@hookimpl
def chainrule_functions():
    return {"cube_of_sum": lambda a, b: cube(a + b)}

@hookimpl
def chainrule_numpy_functions():
    return {"made_up_for_numpy": cube}

@hookimpl
def chainrule_tensor_methods():
    return {"cubed": lambda x: cube(x), "its_cube": property(lambda x: cube(x))}

@hookimpl
def chainrule_gradients():
    return {"bare": lambda g, _y, _x: 5 * g, "seven": lambda g, _y, _x: 7 * g}

@hookimpl
def chainrule_overrides():
    return {"sevens": {"cube": "seven", "sign": "seven"}}

@hookimpl
def chainrule_kernels():
    return {"python": {"bare": lambda x: x + 1}}

@hookimpl
def chainrule_namespaces():
    return {"colours": "colorsys"}

@hookimpl
def chainrule_commands():
    return {"shout": cr.Command("say it", lambda p: p.add_argument("what"), lambda a: print(a.what.upper()))}

@hookimpl
def chainrule_info():
    return ["all is", "well"]
"""
    installed.add("full", source)
    installed.run(
        """
        import colorsys, chainrule as cr
        from chainrule import _registry, ops
        assert cr.cube(2.0) == 8.0 and ops.cube is cr.cube and "cube" in dir(cr)
        assert cr.grad(cr.cube)(2.0) == 12.0
        assert cr.cube_of_sum(1.0, 2.0) == 27.0
        assert _registry.numpy_functions["made_up_for_numpy"] is cr.cube
        x = cr.tensor(2.0)
        assert x.cubed() == 8.0 and x.its_cube == 8.0
        assert cr.bare(2.0) == 3.0 and cr.grad(cr.bare)(2.0) == 5.0
        with cr.override_gradients("sevens"):
            assert cr.grad(cr.cube)(2.0) == 7.0 and cr.grad(cr.sign)(2.0) == 7.0
        with cr.override_gradients({"cube": "seven"}):
            assert cr.grad(cr.cube)(2.0) == 7.0
        assert cr.colours is colorsys
        """
    )
    assert installed.chainrule("shout", "boo").stdout == "BOO\n"
    report = installed.chainrule("info").stdout
    lines = [line.strip() for line in report[report.index("full (full 1.0, full): loaded") :].splitlines()]
    assert lines[:12] == [
        "full (full 1.0, full): loaded",
        "2 ops: bare, cube",
        "1 function: cube_of_sum",
        "1 NumPy function: made_up_for_numpy",
        "2 tensor methods: cubed, its_cube",
        "1 namespace: colours",
        "1 command: shout",
        "2 gradients: bare, seven",
        "1 kernel: python:bare",
        "1 override set: sevens",
        "all is",
        "well",
    ]


def test_functions_may_be_imported_at_their_first_use(installed: Any) -> None:
    source = "import chainrule as cr\n@cr.hookimpl\ndef chainrule_functions(): return {'shade': 'colorsys:rgb_to_hls'}"
    installed.add("late", source)
    printed = installed.run(
        "import sys, chainrule as cr; cr.plugins(); print('colorsys' in sys.modules, cr.shade(1, 1, 1))"
    )
    assert printed == "False (0.0, 1.0, 0.0)\n"


def test_entry_point_may_name_an_object(installed: Any) -> None:
    source = """
import chainrule as cr
class Plugin:
    def __init__(self, factor):
        self.factor = factor
    @cr.hookimpl
    def chainrule_functions(self):
        return {"scaled": lambda x: self.factor * x}
plugin = Plugin(3)
"""
    installed.add("objects", source, "objects:plugin")
    assert installed.run("import chainrule as cr; print(cr.scaled(2))") == "6\n"


def test_own_plugins_first_then_the_others_by_name_each_hook_once(installed: Any) -> None:
    for name in ("zebra", "aardvark", "monkey"):
        source = f"""
import builtins
from chainrule import hookimpl
calls = builtins.__dict__.setdefault("calls", [])
calls.append("import {name}")
@hookimpl
def chainrule_namespaces():
    calls.append("hook {name}")
    return {{}}
"""
        installed.add(name, source)
    installed.run(
        """
        import builtins, chainrule as cr
        assert not hasattr(builtins, "calls"), "import chainrule loads no plugin"
        cr.sin, cr.grad(cr.sin)(1.0), dir(cr), cr.plugins()
        assert builtins.calls == [f"{what} {name}" for name in ("aardvark", "monkey", "zebra")
                                  for what in ("import", "hook")], builtins.calls
        names = list(cr.plugins())
        assert names[-3:] == ["aardvark", "monkey", "zebra"] and names[:-3] == sorted(names[:-3]), names
        assert all(cr.plugins()[name].owner.distribution == "chainrule" for name in names[:-3])
        """
    )


def test_definitions_may_name_operations_of_plugins_that_load_later(installed: Any) -> None:
    source = """
from chainrule import hookimpl

@hookimpl
def chainrule_overrides():
    return {"early": {"twice": "early_gradient"}}
"""
    installed.add("aaa", source)
    installed.add("mmm", TWICE)
    gradient = "@hookimpl\ndef chainrule_gradients():\n    return {'early_gradient': lambda g, _y, _x: 9 * g}\n"
    installed.add("zzz", f"from chainrule import hookimpl\n{gradient}")
    installed.run(
        """
        import chainrule as cr
        with cr.override_gradients("early"):
            assert cr.grad(cr.twice)(1.0) == 9.0
        assert cr.grad(cr.twice)(1.0) == 2.0
        """
    )


def test_module_may_use_operations_while_it_loads(installed: Any) -> None:
    source = """
import chainrule as cr
from chainrule import hookimpl, sin
NUMBER = float(cr.grad(sin)(0.0)) + float(cr.tensor([1.0, 2.0]).sum())

@hookimpl
def chainrule_functions():
    return {"number": lambda: NUMBER + float(cr.cos(0.0))}
"""
    installed.add("eager", source)
    assert installed.run("import chainrule as cr; print(cr.number())") == "5.0\n"


def test_module_that_asks_for_plugins_while_the_user_imports_it_is_loaded_afterwards(installed: Any) -> None:
    """Its import starts the loading of plugins, which finds it half imported."""
    source = TWICE + "from chainrule import sin\nlater = sin\n"
    installed.add("early", source)
    program = "import chainrule as cr, early; assert cr.twice is early.twice; print(cr.plugins()['early'].status)"
    assert installed.run(f"import early; {program}") == "loaded\n"
    # The same with the hooks in a module of the half-imported package's.
    package = installed.folder / "packaged"
    package.mkdir()
    package.joinpath("__init__.py").write_text(
        "from chainrule import sin\nfrom packaged.hooks import chainrule_functions\n"
    )
    package.joinpath("hooks.py").write_text(
        "import packaged, chainrule\nsine = packaged.sin\n"
        "@chainrule.hookimpl\ndef chainrule_functions():\n    return {'sine': sine}\n"
    )
    installed.add("inner", "", "packaged.hooks")
    assert installed.run("import packaged, chainrule as cr; assert cr.sine is cr.sin; print(1)") == "1\n"


def test_two_threads_load_at_once(installed: Any) -> None:
    installed.add("slow", "import time\ntime.sleep(0.1)\n" + TWICE.replace("return", "time.sleep(0.1)\n    return"))
    installed.run(
        """
        import threading, chainrule as cr
        barrier, results = threading.Barrier(8), []
        def use():
            barrier.wait()
            results.append((cr.twice(1.0) == 2.0, float(cr.grad(cr.sin)(0.0))))
        threads = [threading.Thread(target=use) for _ in range(8)]
        [t.start() for t in threads], [t.join() for t in threads]
        assert results == [(True, 1.0)] * 8, results
        assert cr.plugins()["slow"].status == "loaded"
        """
    )


def test_a_thread_that_imports_a_plugin_does_not_block_one_that_loads_it(installed: Any) -> None:
    """Each holds what the other waits for, if modules are imported under the loader's lock."""
    installed.add("mutual", "import time, chainrule\ntime.sleep(0.3)\nchainrule.sin\n" + TWICE)
    installed.run(
        """
        import threading, chainrule as cr
        def imports():
            import mutual
        threads = [threading.Thread(target=imports), threading.Thread(target=lambda: cr.twice(1.0))]
        [t.start() for t in threads], [t.join(20) for t in threads]
        assert not any(t.is_alive() for t in threads), "deadlock"
        assert cr.twice(1.0) == 2.0
        """
    )


def test_loading_imports_no_array_library(installed: Any) -> None:
    installed.run(
        """
        import sys
        def check(when):
            found = {"numpy", "scipy", "cupy", "torch", "matplotlib", "array_api_compat"} & sys.modules.keys()
            assert not found, (when, found)
        import chainrule as cr
        check("import")
        assert "pluggy" not in sys.modules and "optree" not in sys.modules
        assert "numpy" in cr.available_backends()
        check("available_backends")
        assert cr.plugins()["arrays"].status == "loaded"
        check("plugins")
        cr.sin, cr.optim, dir(cr)
        check("public names")
        """
    )


@pytest.mark.parametrize("value", ["straight,twice", " straight , twice ,", "twice,,straight"])
def test_plugins_are_disabled_by_name(installed: Any, value: str) -> None:
    installed.add("straight", "raise RuntimeError('a disabled plugin is not imported')")
    installed.add("twice", TWICE)
    installed.run(
        """
        import chainrule as cr
        assert [cr.plugins()[n].status for n in ("straight", "twice", "arrays")] == ["disabled", "disabled", "loaded"]
        try:
            cr.twice
        except cr.UnknownNameError as error:
            assert "plugin 'twice' (twice 1.0) is disabled by CHAINRULE_DISABLE_PLUGINS" in str(error), error
        else:
            raise AssertionError("twice is there")
        """,
        CHAINRULE_DISABLE_PLUGINS=value,
    )
    report = installed.chainrule("info", CHAINRULE_DISABLE_PLUGINS=value)
    assert "  twice (twice 1.0, twice): disabled\n" in report.stdout
    assert report.stderr == ""


def test_unknown_name_to_disable_is_reported(installed: Any) -> None:
    message = "CHAINRULE_DISABLE_PLUGINS names 'twise', which is no installed plugin; installed: arrays, "
    installed.add("twice", TWICE)
    done = installed.python(
        "-W", "default", "-c", "import chainrule as cr; print(cr.twice)", CHAINRULE_DISABLE_PLUGINS="twise"
    )
    assert done.returncode == 0
    assert f"RuntimeWarning: {message}" in done.stderr
    assert message in installed.chainrule("info", CHAINRULE_DISABLE_PLUGINS="twise").stdout


def test_without_arrays_operators_name_the_variable(installed: Any) -> None:
    installed.run(
        """
        import operator, chainrule as cr
        x = cr.tensor(1.0)
        for f in (lambda: x + 1, lambda: 1 - x, lambda: -x, lambda: x @ x, lambda: x < 2, lambda: x[0]):
            try:
                f()
            except cr.ChainruleError as error:
                assert "plugin 'arrays' (chainrule" in str(error), error
                assert "is disabled by CHAINRULE_DISABLE_PLUGINS" in str(error), error
            else:
                raise AssertionError("no error")
        """,
        CHAINRULE_DISABLE_PLUGINS="arrays",
    )


def test_overrides_from_the_environment_hold_everywhere(installed: Any) -> None:
    installed.add("straight", STRAIGHT)
    assert installed.run(GRADIENT_OF_SIGN) == "0.0\n"
    installed.run(
        """
        import threading, chainrule as cr
        def slope(f=None):
            return float(cr.grad(f or (lambda x: cr.sign(x)))(3.0))
        with cr.no_grad():  # entered before any plugin is loaded
            assert slope() == 1.0
        assert slope() == 1.0 and slope(cr.floor) == 1.0 and slope(cr.ceil) == 0.0
        with cr.GradientTape() as tape:
            x = tape.watch(cr.tensor(3.0))
            y = cr.sign(x)
        assert float(tape.gradient(y, x)) == 1.0
        step, = cr.explain_gradients(y, x).steps
        assert (step.override, step.plugin, step.distribution, step.version) == (True, "straight", "straight", "1.0")
        seen = []
        thread = threading.Thread(target=lambda: seen.append(slope()))
        thread.start(), thread.join()
        assert seen == [1.0]
        with cr.override_gradients({"sign": lambda g, _y, _x: 4 * g}):  # a scope lies over it
            assert slope() == 4.0 and slope(cr.floor) == 1.0
        """,
        CHAINRULE_OVERRIDES=" straight_through ,",
    )


@pytest.mark.parametrize("value", ["nope", "straight_through,nope", "nope,straight_through"])
def test_unknown_override_set_is_an_error_at_every_use_and_changes_nothing(installed: Any, value: str) -> None:
    installed.add("straight", STRAIGHT)
    installed.run(
        """
        import chainrule as cr
        from chainrule import _context, ops
        for use in (lambda: -cr.tensor(1.0), lambda: cr.sin, lambda: cr.sin, lambda: ops.sin,
                    lambda: cr.grad(lambda x: -x)(1.0)):
            try:
                use()
            except cr.SelectorError as error:
                expected = "CHAINRULE_OVERRIDES: no override set is called 'nope'; registered: straight_through."
                assert str(error) == expected, error
            else:
                raise AssertionError("no error")
        assert _context.current().overrides is None
        """,
        CHAINRULE_OVERRIDES=value,
    )
    done = installed.chainrule("info", CHAINRULE_OVERRIDES=value)
    assert done.returncode == 0
    assert "CHAINRULE_OVERRIDES: no override set is called 'nope'; registered: straight_through" in done.stdout
    assert "  straight (straight 1.0, straight): loaded\n    1 override set: straight_through\n" in done.stdout


def test_override_set_of_a_plugin_that_failed(installed: Any) -> None:
    installed.add("straight", "import no_such_module\n" + STRAIGHT)
    done = installed.python("-c", GRADIENT_OF_SIGN, CHAINRULE_OVERRIDES="straight_through")
    assert done.returncode == 1
    assert "no override set is called 'straight_through'; registered: none. plugin 'straight'" in done.stderr
    assert "failed to load (ModuleNotFoundError: No module named 'no_such_module')" in done.stderr
