"""`register_plugin`: all or nothing, again without harm, and never one thing in another's place."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

PRELUDE = """
import re
import chainrule as cr
from chainrule import _registry, elementwise, hookimpl, infer

def rejected(error, pattern, function, *arguments):
    plugins = cr.plugins()
    before = {t: dict(getattr(_registry, t)) for t in ("ops", "functions", "gradients", "kernels", "override_sets")}
    try:
        function(*arguments)
    except error as e:
        assert re.search(pattern, str(e)), e
    else:
        raise AssertionError("no error")
    assert before == {t: dict(getattr(_registry, t)) for t in before}
    assert plugins == cr.plugins()

def define(source="lambda g, _y, _x: 2 * g", name="run_time", file="<cell>", **hooks):
    code = f'''
def make():
    kernel = lambda xp, x: 2 * x
    return elementwise({name!r}, infer.same, {source}, "2 * x.", kernel=kernel)
function = make()
class Plugin:
    @hookimpl
    def chainrule_ops(self):
        return [function]
    @hookimpl
    def chainrule_functions(self):
        return {{"{name}_function": lambda x: function(x)}}
''' + "".join(f'''
    @hookimpl
    def chainrule_{hook}(self):
        return {value}
''' for hook, value in hooks.items())
    scope = {"__name__": "cell", "hookimpl": hookimpl, "elementwise": elementwise, "infer": infer, "cr": cr}
    exec(compile(code, file, "exec"), scope)
    return scope["Plugin"]()
"""


@pytest.fixture
def run(installed: Any) -> Any:
    def program(source: str) -> None:
        installed.run(PRELUDE + textwrap.dedent(source))

    return program


def test_it_works_at_once_and_raises_the_generation(run: Any) -> None:
    run(
        """
        cr.sin
        generation = _registry.generation
        try:
            cr.run_time
        except cr.UnknownNameError:
            pass
        cr.register_plugin(define(), "mine")
        assert cr.run_time(3.0) == 6.0 and cr.run_time_function(3.0) == 6.0 and cr.grad(cr.run_time)(3.0) == 2.0
        assert _registry.generation > generation
        plugin = cr.plugins()["mine"]
        assert plugin.status == "loaded"
        assert plugin.registered == {"ops": ["run_time"], "functions": ["run_time_function"]}
        """
    )


def test_again_as_a_notebook_does(run: Any) -> None:
    run(
        """
        plugin = define()
        cr.register_plugin(plugin, "mine")
        cr.register_plugin(plugin, "mine")
        cr.register_plugin(define(), "mine")
        assert cr.run_time(3.0) == 6.0 and list(cr.plugins()).count("mine") == 1
        """
    )


def test_another_function_in_its_place_names_both_places(run: Any) -> None:
    run(
        """
        cr.register_plugin(define(), "mine")
        taken = r"op 'run_time' of {} at <other>:3 is already registered by mine at <cell>:3"
        other = define("lambda g, _y, _x: 9 * g", file="<other>")
        rejected(cr.PluginError, taken.format("mine"), cr.register_plugin, other, "mine")
        rejected(cr.PluginError, taken.format("yours"), cr.register_plugin, define(file="<other>"), "yours")
        assert cr.grad(cr.run_time)(3.0) == 2.0
        cr.register_plugin(define(), "mine")  # the rejection has left it in its place
        rejected(cr.PluginError, "'sin' of mine2 at <cell>:3 is already registered by plugin 'arrays' .*_elementwise",
                 cr.register_plugin, define(name="sin"), "mine2")
        """
    )


def test_numbers_that_a_function_closes_over_tell_it_from_another(run: Any) -> None:
    run(
        """
        def make(factor):
            def scaled(x):
                return factor * x
            class Plugin:
                @hookimpl
                def chainrule_functions(self):
                    return {"scaled": scaled}
            return Plugin()
        cr.register_plugin(make(2), "mine")
        cr.register_plugin(make(2), "mine")
        taken = "function 'scaled' of mine at .* is already registered by mine"
        rejected(cr.PluginError, taken, cr.register_plugin, make(3), "mine")
        """
    )


@pytest.mark.parametrize(
    ("hooks", "pattern"),
    [
        (
            'overrides=\'{"s": {"nope": lambda g, _y, _x: g}}\'',
            "^plugin 'mine': override set 's': no op is called 'nope'",
        ),
        ("gradients='1 / 0'", "^plugin 'mine': hook chainrule_gradients raised ZeroDivisionError: division by zero"),
        ("opps='1'", "^plugin 'mine': PluginValidationError: unknown hook 'chainrule_opps'"),
        ('kernels=\'{"python": {"run_time": 3}}\'', "^plugin 'mine': kernel of op 'run_time' .* 3 cannot be called"),
    ],
)
def test_all_or_nothing(run: Any, hooks: str, pattern: str) -> None:
    run(
        f"""
        rejected(cr.PluginError, {pattern!r}, cr.register_plugin, define({hooks}), "mine")
        cr.register_plugin(define(), "mine")
        assert cr.run_time(3.0) == 6.0
        """
    )


def test_name_of_an_installed_plugin(run: Any) -> None:
    run(
        """
        rejected(cr.PluginError, "a plugin called 'arrays' is installed: plugin 'arrays' .*, chainrule_arrays.plugin",
                 cr.register_plugin, define(), "arrays")
        """
    )


def test_operator_of_a_rejected_plugin_is_free_again(installed: Any) -> None:
    installed.run(
        PRELUDE
        + """
plugin = define(name="negative", overrides="{'s': {'nope': 'nope'}}")
rejected(cr.PluginError, "no op is called 'nope'", cr.register_plugin, plugin, "mine")
try:
    -cr.tensor(1.0)
except cr.MissingKernelError as error:
    assert "operator __neg__ of tensors is op 'negative', and no loaded plugin provides it" in str(error), error
else:
    raise AssertionError("bound")
cr.register_plugin(define(name="negative"), "mine")
assert float((-cr.tensor(1.0)).value.item()) == 2.0
""",
        CHAINRULE_DISABLE_PLUGINS="arrays",
    )


def test_missing_override_set_may_come_at_run_time(installed: Any) -> None:
    installed.run(
        PRELUDE
        + """
try:
    cr.sin
except cr.SelectorError:
    pass
class Plugin:
    @hookimpl
    def chainrule_overrides(self):
        return {"late": {"sin": lambda g, _y, _x: 7 * g}}
cr.register_plugin(Plugin(), "mine")
assert cr.grad(cr.sin)(0.0) == 7.0
""",
        CHAINRULE_OVERRIDES="late",
    )
