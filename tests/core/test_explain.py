"""Reasons for every missing gradient, and where each gradient that is there comes from."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import chainrule as cr
from chainrule import NoGradient

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture
def tape():
    with cr.GradientTape(persistent=True) as tape:
        yield tape


@pytest.fixture
def x(tape):
    return tape.watch(cr.tensor([1.0, 3.0]))


def why(y, x):
    assert cr.gradients(y, x) == [None]
    answer = cr.why_no_gradient(y, x)
    assert not answer.connected
    assert answer.reason in str(answer)
    return answer


# Why there is none


def test_an_integer_cut_has_the_users_line(x, here):
    line = here(1)
    best = cr.argmax(x)
    answer = why(cr.astype(best, "float64") * 2.0, x)
    assert answer.reason == "y depends on x only through cuts"
    (cut,) = answer.cuts
    assert (cut.op, cut.reason, cut.certain) == ("argmax", "its result is an index", True)
    assert cut.site.startswith(line)
    assert cut.site.endswith("best = cr.argmax(x)")


def test_a_comparison_and_a_cast(x):
    assert why(cr.astype(x > 2.0, "float64"), x).cuts[0].reason == "its result is true or false"
    assert why(cr.astype(cr.astype(x, "int64"), "float64"), x).cuts[0].reason == "cast to int64"


def test_stop_gradient(x, here):
    line = here(1)
    constant = cr.stop_gradient(x * x)
    (cut,) = why(constant + 1.0, x).cuts
    assert cut.op == "stop_gradient"
    assert "stopped by stop_gradient" in str(cut)
    assert line in str(cut)


def test_several_cuts_are_all_named(tape, x):
    w = tape.watch(cr.tensor(2.0))
    y = cr.stop_gradient(x) * w + cr.astype(x > 0.0, "float64") * w
    assert sorted(cut.op for cut in why(y, x).cuts) == ["greater", "stop_gradient"]
    # Where two cut values meet and nothing else is tracked, one of them stands for both.
    assert len(why(cr.stop_gradient(x) * cr.astype(x > 0.0, "float64"), x).cuts) == 1


def test_a_cut_is_found_behind_other_operations(x):
    y = cr.sum(cr.exp(cr.stop_gradient(cr.sin(x) * 2.0) + 1.0) * x[0])
    first = x[0]
    z = cr.sum(cr.exp(cr.stop_gradient(cr.sin(x) * 2.0)))
    assert cr.why_no_gradient(y, x).connected
    assert why(z, x).cuts[0].op == "stop_gradient"
    assert "y was not computed from x" in cr.why_no_gradient(x[1] * 2.0, first).reason


def test_not_watched(tape):
    stranger = cr.tensor(1.0)
    assert "x is not tracked: watch it (tape.watch(x))" in why(stranger * 2.0, stranger).reason


def test_not_connected(tape, x):
    other = tape.watch(cr.tensor(2.0))
    assert why(other * other, x).reason == "y was not computed from x"


def test_no_grad(x):
    with cr.no_grad():
        y = x * x
    assert "y has no history" in why(y, x).reason
    assert "under no_grad" in why(y, x).reason


def test_computed_while_nothing_recorded():
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor(1.0))
    assert "y has no history: it was computed from untracked values, while nothing recorded" in why(x * 2.0, x).reason


def test_not_trainable(tape):
    v = cr.Variable(2.0, trainable=False, name="frozen")
    assert why(v * 2.0, v).reason == "variable 'frozen' is not trainable: its reads are constants"


def test_a_definition_without_gradient_for_one_input(x, here):
    line = here(1)
    y = cr.where(x > 0.0, 1.0, 2.0)
    assert why(y, x).cuts[0].op == "greater"

    @cr.op(lambda a, b: a, (lambda g, _y, _a, b: g * b, None), name="one_sided_why")
    def one_sided(xp, a, b, /):
        return a * b

    line = here(1)
    y = one_sided(2.0, x)
    answer = why(y, x)
    assert answer.reason == "y depends on x only through inputs without gradients"
    assert answer.cuts[0].reason == "its definition has no gradient for input 1"
    assert line in answer.cuts[0].site


def test_an_override_to_nothing(x):
    with cr.override_gradients({"sin": NoGradient("frozen")}):
        y = cr.sin(x)
    assert why(y, x).cuts[0].reason == "frozen"


def test_integers_are_never_connected():
    i = cr.tensor(3)
    assert "x is of dtype int64: only floating-point values have gradients" in why(i * 2, i).reason


def test_a_tensor_that_is_itself_behind_a_cut(x):
    z = cr.stop_gradient(x)
    answer = why(z * 2.0, z)
    assert answer.reason == "x itself is cut off: nothing records what is computed from it"
    assert answer.cuts[0].op == "stop_gradient"


def test_connected_after_all(x):
    answer = cr.why_no_gradient(x * x, x)
    assert answer.connected
    assert answer.reason == "a gradient path leads from y to x"
    assert cr.why_no_gradient(x, x).connected


def test_a_cut_does_not_keep_what_it_cut(x):
    y = cr.stop_gradient(cr.sin(x)) * 2.0
    answer = cr.why_no_gradient(y, x)
    assert answer.cuts[0].op == "stop_gradient"
    assert not answer.cuts[0].certain
    assert "what was before it is not kept" in str(answer)


def test_arguments_are_checked(x):
    with pytest.raises(cr.DTypeError, match=r"expected a tensor and a tensor or variable, got 1.0"):
        cr.why_no_gradient(1.0, x)


# Where those there are come from


def test_each_step_has_rule_plugin_version_and_places(x, here):
    line = here(1)
    y = cr.sin(x) * x
    steps = cr.explain_gradients(y, x).steps
    assert [step.op for step in steps] == ["multiply", "sin"]
    for step in steps:
        assert (step.plugin, step.distribution) == ("arrays", "chainrule")
        assert step.version == cr.__version__ == metadata.version("chainrule")
        assert step.rule == step.op
        assert not step.override
        path, _, number = step.definition.rpartition(":")
        assert Path(path).name == "_elementwise.py"
        assert "lambda" in Path(path).read_text().splitlines()[int(number) - 1] or int(number) > 0
        assert step.site.startswith(line)


def test_overrides_are_marked_and_named(x, here):
    line = here(2)

    def straight_through(g, _y, _x):
        return g

    with cr.override_gradients({"sin": straight_through}), cr.name_scope("block"):
        y = cr.sin(x)
    (step,) = cr.explain_gradients(y, x).steps
    assert step.override
    assert step.node == "block/sin"
    assert step.rule.endswith("straight_through")
    assert step.plugin == "your code"
    assert step.distribution == ""
    assert step.definition == line
    assert "OVERRIDE" in str(cr.explain_gradients(y, x))
    z = cr.cos(x)
    assert not cr.explain_gradients(z, x).steps[0].override
    assert cr.explain_gradients(z, x, overrides={"cos": straight_through}).steps[0].override


def test_only_what_the_gradient_passes_is_listed(x):
    y = cr.exp(x) + cr.sin(cr.tensor(1.0)) + cr.stop_gradient(cr.cos(x))
    assert [step.op for step in cr.explain_gradients(y, x).steps] == ["add", "add", "exp"]
    assert str(cr.explain_gradients(cr.tensor(1.0), x)) == "no gradient passes through any operation"


def test_plain_data(x):
    (step,) = cr.explain_gradients(cr.sin(x), x).to_list()
    assert step["op"] == "sin"
    assert set(step) >= {"node", "rule", "override", "contract", "policy", "plugin", "distribution", "version"}
    assert set(step) >= {"definition", "site"}


def test_variables_and_lists(tape, x):
    v = cr.Variable(2.0)
    steps = cr.explain_gradients([x * v, v * v], [x, v]).steps
    assert [step.op for step in steps] == ["multiply", "multiply"]


def test_the_digest_says_which_rules_were_used(x):
    def digest(f):
        return cr.explain_gradients(f(x), x).digest()

    assert digest(lambda x: cr.sin(x) * x) == digest(lambda t: cr.sin(t) * t)
    assert digest(lambda x: cr.sin(x) * x) != digest(lambda x: cr.cos(x) * x)
    plain = digest(cr.sin)
    with cr.override_gradients({"sin": lambda g, _y, _x: g}):
        assert digest(cr.sin) != plain


def through(g, _y, _x):
    return g


def test_contracts_are_shown_and_part_of_the_digest(x):
    def explained(overrides):
        return cr.explain_gradients(cr.sin(x), x, overrides=overrides)

    explanations = [explained(o) for o in ({}, {"sin": through}, {"sin": cr.surrogate(through)})]
    assert [e.steps[0].contract for e in explanations] == ["exact", "undeclared", "surrogate"]
    assert len({e.digest() for e in explanations}) == 3
    assert "sin: rule 'through' (surrogate) of your code OVERRIDE, " in str(explanations[2])
    assert "sin: rule 'sin' (exact) of arrays (chainrule " in str(explanations[0])


PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
import chainrule as cr, python_backend
cr.register_backend("python", python_backend.python_backend)
with cr.use_backend("python"), cr.GradientTape() as tape:
    x = tape.watch(cr.tensor([1.0, 2.0]))
    y = cr.sum(cr.sin(x) * cr.exp(x))
print(cr.explain_gradients(y, x).digest())
"""


def test_the_digest_is_the_same_in_every_process():
    program = PROGRAM.format(folder=str(Path(__file__).parent))
    runs = {
        subprocess.run(
            [sys.executable, "-W", "error", "-c", line + program], capture_output=True, text=True, check=True
        ).stdout
        for line in ("", "\n\n\n")
    }
    assert len(runs) == 1
    assert len(runs.pop().strip()) == 16
