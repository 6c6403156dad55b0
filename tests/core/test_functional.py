"""The transformations: what goes in, what comes back, and derivatives of derivatives."""

from __future__ import annotations

import math
from collections import namedtuple

import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("backend")

Point = namedtuple("Point", "x y")


def norm2(p):
    return p["a"] * p["a"] + cr.sum(p["b"][0] * p["b"][0])


# Structures


def test_grad_of_pytrees(same):
    same(cr.grad(norm2)({"a": 2.0, "b": (cr.tensor([1.0, 3.0]),)}), {"a": 4.0, "b": ([2.0, 6.0],)})
    same(cr.grad(lambda p: p.x * p.y)(Point(2.0, 3.0)), Point(3.0, 2.0))
    same(cr.grad(lambda p: cr.tensor(1.0))({}), {})
    same(cr.grad(lambda p: p[0] * 2.0)([1.0, None]), [2.0, None])


def test_argnums(same):
    def f(a, b, c):
        return a * b * b * c

    same(cr.grad(f)(2.0, 3.0, 5.0), 45.0)
    same(cr.grad(f, argnums=1)(2.0, 3.0, 5.0), 60.0)
    same(cr.grad(f, argnums=-1)(2.0, 3.0, 5.0), 18.0)
    same(cr.grad(f, argnums=(2, 0))(2.0, 3.0, 5.0), (18.0, 45.0))
    same(cr.grad(f, argnums=[0])(2.0, 3.0, 5.0), (45.0,))
    for wrong in (3, -4, (0, 7), (), "a", (0, "b")):
        with pytest.raises(cr.ArgumentError, match=r"grad of f: argnums .* do not fit a call with 3 positional"):
            cr.grad(f, argnums=wrong)(2.0, 3.0, 5.0)


def test_keyword_arguments_are_constants(same):
    same(cr.grad(lambda x, *, k: k * x * x)(3.0, k=2.0), 12.0)


def test_has_aux(same):
    def f(x):
        return x * x, {"twice": 2.0 * x, "label": "seen"}

    same(cr.grad(f, has_aux=True)(3.0), (6.0, {"twice": 6.0, "label": "seen"}))
    same(cr.value_and_grad(f, has_aux=True)(3.0), ((9.0, {"twice": 6.0, "label": "seen"}), 6.0))
    y, pull, aux = cr.vjp(f, 3.0, has_aux=True)
    same((y, pull(1.0), aux), (9.0, (6.0,), {"twice": 6.0, "label": "seen"}))
    same(cr.jvp(f, [3.0], [1.0], has_aux=True), (9.0, 6.0, {"twice": 6.0, "label": "seen"}))
    with pytest.raises(cr.DTypeError, match=r"with has_aux=True the function returns \(result, aux\), got Tensor"):
        cr.grad(lambda x: x, has_aux=True)(3.0)


def test_vjp_of_pytrees_and_often(same):
    def f(a, b):
        return {"product": a * b, "sum": a + cr.sum(b)}

    y, pull = cr.vjp(f, 2.0, cr.tensor([3.0, 4.0]))
    same(y, {"product": [6.0, 8.0], "sum": 9.0})
    same(pull({"product": cr.tensor([1.0, 0.0]), "sum": 0.0}), (3.0, [2.0, 0.0]))
    same(pull({"product": cr.tensor([0.0, 10.0]), "sum": 1.0}), (41.0, [1.0, 21.0]))


def test_vjp_checks_the_cotangent():
    _, pull = cr.vjp(lambda x: {"y": x * x}, cr.tensor([1.0, 2.0]))
    with pytest.raises(cr.ArgumentError, match="the argument of pullback has not the structure"):
        pull(cr.tensor([1.0, 2.0]))
    with pytest.raises(cr.ShapeError, match=r"expected shape \(2,\), got \(3,\)"):
        pull({"y": cr.zeros(3)})
    with pytest.raises(cr.DTypeError, match="expected dtype float64, got complex128"):
        pull({"y": cr.tensor([1j, 1j])})


def test_jvp_of_pytrees(same):
    def f(p, c):
        return {"y": p["a"] * p["b"] * c}

    primals = ({"a": 2.0, "b": cr.tensor([3.0, 4.0])}, 5.0)
    tangents = ({"a": 1.0, "b": cr.tensor([0.0, 1.0])}, 0.0)
    same(cr.jvp(f, primals, tangents), ({"y": [30.0, 40.0]}, {"y": [15.0, 30.0]}))


def test_jvp_checks_tangents():
    with pytest.raises(cr.ArgumentError, match="two sequences with an entry for each argument"):
        cr.jvp(cr.sin, [1.0], [1.0, 2.0])
    with pytest.raises(cr.ArgumentError, match="two sequences"):
        cr.jvp(cr.sin, 1.0, 1.0)
    with pytest.raises(cr.ShapeError, match=r"tangents\[0\]: expected shape \(2,\), got \(\)"):
        cr.jvp(cr.sin, [cr.tensor([1.0, 2.0])], [1.0])


# Arrays and tensors


def test_arrays_in_arrays_out(array):
    kind = type(array([1.0]))
    x = array([1.0, 2.0])

    def f(x):
        assert isinstance(x, cr.Tensor)
        return cr.sum(x * x)

    value, gradient = cr.value_and_grad(f)(x)
    assert isinstance(gradient, kind)
    assert not isinstance(value, cr.Tensor)
    y, pull = cr.vjp(lambda x: x * x, x)
    assert isinstance(y, kind)
    assert isinstance(pull(array([1.0, 1.0]))[0], kind)
    assert all(isinstance(part, kind) for part in cr.jvp(lambda x: x * x, [x], [x]))
    assert isinstance(cr.jacobian(lambda x: x * x)(x), kind)
    assert isinstance(cr.hessian(f)(x), kind)
    assert isinstance(cr.hvp(f)(x, x), kind)


def test_tensors_in_tensors_out(array):
    x = cr.tensor([1.0, 2.0])
    for result in (
        cr.grad(lambda x: cr.sum(x * x))(x),
        cr.grad(lambda x, a: cr.sum(x * a))(array([1.0, 2.0]), x),
        cr.vjp(lambda x: x * x, x)[1](array([1.0, 1.0]))[0],
        cr.vjp(lambda x: x * x, array([1.0, 2.0]))[1](x)[0],
        cr.jvp(lambda x: x * x, [array([1.0, 2.0])], [x])[1],
        cr.jacobian(lambda x: x * x)(x),
        cr.grad(lambda p: cr.sum(p["a"]))({"a": x}),
    ):
        leaf = result["a"] if isinstance(result, dict) else result
        assert isinstance(leaf, cr.Tensor)


def test_tensors_come_back_wherever_something_records(array, same):
    # An array here would cut the chain in silence.
    def outer(x):
        inner = cr.grad(lambda y: y * y * x)(3.0)
        assert isinstance(inner, cr.Tensor)
        return inner

    same(cr.grad(outer)(2.0), 6.0)
    with cr.GradientTape() as tape:
        x = tape.watch(cr.tensor([2.0, 3.0]))
        g = cr.grad(lambda y: cr.sum(y * y * x))(array([1.0, 1.0]))
        assert isinstance(g, cr.Tensor)
    same(tape.gradient(g, x, sum=True), [2.0, 2.0])


def test_gradients_have_their_arguments_dtype(same):
    for dtype in (cr.float32, cr.float64):
        g = cr.grad(lambda x: cr.sum(cr.sin(x) * 2.0))(cr.tensor([1.0, 2.0], dtype=dtype))
        assert g.dtype == dtype
        h = cr.hessian(lambda x: cr.sum(x**3))(cr.tensor([1.0, 2.0], dtype=dtype))
        assert h.dtype == dtype


def test_python_floats_are_traced_and_control_flow_works(same):
    def f(x):
        y = x
        while y < 100.0:
            y = y * x
        return y if y < 130.0 else 0.5 * y

    same(cr.grad(f)(5.0), 75.0)
    same(cr.grad(f)(12.0), 0.5 * 24.0)


# What is refused


def test_integers_have_no_gradient():
    with pytest.raises(
        cr.DTypeError, match=r"grad of square: argument 0 is of dtype int64, which has no gradient; pass 3.0"
    ):
        cr.grad(cr.square)(3)
    with pytest.raises(cr.DTypeError, match=r"argument 1\['n'\] is of dtype int64.*astype"):
        cr.grad(lambda x, p: x * p["n"], argnums=(0, 1))(1.0, {"m": 2.0, "n": cr.tensor([1, 2])})
    for transformation in (
        lambda: cr.vjp(cr.square, 3),
        lambda: cr.jvp(cr.square, [3], [1]),
        lambda: cr.jacobian(cr.square)(3),
        lambda: cr.hessian(cr.square)(True),
    ):
        with pytest.raises(cr.DTypeError, match="has no gradient"):
            transformation()


def test_integers_may_stand_beside(same):
    same(cr.grad(lambda x, n: x**n)(3.0, 2), 6.0)


def test_a_vector_loss_is_refused_unless_summed(same):
    x = cr.tensor([1.0, 2.0])
    with pytest.raises(cr.ShapeError, match=r"grad of square: the function returned shape \(2,\).*sum=True"):
        cr.grad(cr.square)(x)
    same(cr.grad(cr.square, sum=True)(x), [2.0, 4.0])
    with pytest.raises(cr.ShapeError):
        cr.grad(lambda x: x * cr.tensor([1.0]))(1.0)


def test_results_that_are_no_real_number():
    with pytest.raises(cr.DTypeError, match=r"the function returned complex128, expected a real .*cr.real or cr.abs"):
        cr.grad(lambda x: x * 1j)(1.0)
    with pytest.raises(cr.DTypeError, match="the function returned bool"):
        cr.grad(lambda x: x > 0)(1.0)
    for result in (None, "text", [1.0]):
        with pytest.raises(
            cr.DTypeError, match=f"expected the function to return a number, got {type(result).__name__}"
        ):
            cr.grad(lambda x, result=result: result)(1.0)


def test_unconnected_gives_zeros(same):
    same(cr.grad(lambda a, b: a * 2.0, argnums=(0, 1))(1.0, cr.tensor([1.0, 2.0])), (2.0, [0.0, 0.0]))
    same(cr.grad(lambda x: 5.0)(1.0), 0.0)
    same(cr.jvp(lambda x: cr.tensor([1.0, 2.0]), [1.0], [1.0])[1], [0.0, 0.0])
    same(cr.jacobian(lambda x: cr.tensor([1.0, 2.0]))(cr.tensor([1.0, 2.0])), [[0.0, 0.0], [0.0, 0.0]])
    same(cr.hessian(lambda x: cr.sum(3.0 * x))(cr.tensor([1.0, 2.0])), [[0.0, 0.0], [0.0, 0.0]])


def test_the_function_is_not_recorded_for_anybody_else():
    seen = []
    cr.grad(lambda x: seen.append(x * x) or x * x)(cr.tensor(2.0))
    with cr.GradientTape() as tape:
        y = seen[0] * 2.0
    assert tape.gradient(y, seen[0]) is None


# Jacobians and Hessians


@pytest.mark.parametrize("mode", ["reverse", "forward", "auto"])
def test_jacobian(same, mode):
    def f(x):
        return cr.stack([x[0] * x[1], cr.sin(x[0]), x[1] * x[1]])

    expected = [[2.0, 0.5], [math.cos(0.5), 0.0], [0.0, 4.0]]
    same(cr.jacobian(f, mode=mode)(cr.tensor([0.5, 2.0])), expected)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_jacobian_of_pytrees(same, mode):
    def f(p):
        return {"u": p["a"] * p["b"], "v": p["b"] * p["b"]}

    at = {"a": 2.0, "b": cr.tensor([3.0, 4.0])}
    expected = {
        "u": {"a": [3.0, 4.0], "b": [[2.0, 0.0], [0.0, 2.0]]},
        "v": {"a": [0.0, 0.0], "b": [[6.0, 0.0], [0.0, 8.0]]},
    }
    same(cr.jacobian(f, mode=mode)(at), expected)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_jacobian_of_several_arguments_and_shapes(same, mode):
    jac = cr.jacobian(lambda a, b: a @ b, argnums=(0, 1), mode=mode)
    left, right = jac(cr.tensor([[1.0, 2.0]]), cr.tensor([[3.0], [4.0]]))
    same(left, [[[[3.0, 4.0]]]])
    same(right, [[[[1.0], [2.0]]]])


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_jacobian_of_empty_and_scalar(same, mode):
    assert cr.jacobian(lambda x: x * 2.0, mode=mode)(cr.zeros(0)).shape == (0, 0)
    assert cr.jacobian(lambda x: cr.sum(x), mode=mode)(cr.zeros((0, 2))).shape == (0, 2)
    same(cr.jacobian(lambda x: x * x, mode=mode)(3.0), 6.0)


def test_jacobian_mode_is_checked():
    with pytest.raises(cr.ArgumentError, match="mode must be 'auto', 'reverse' or 'forward', got 'backward'"):
        cr.jacobian(cr.sin, mode="backward")


def test_hessian(same):
    def f(x):
        return x[0] ** 3 * x[1] + cr.exp(x[1])

    a, b = 2.0, 0.5
    expected = [[6 * a * b, 3 * a**2], [3 * a**2, math.exp(b)]]
    same(cr.hessian(f)(cr.tensor([a, b])), expected)
    v = [1.0, -2.0]
    product = [sum(h * w for h, w in zip(row, v, strict=True)) for row in expected]
    same(cr.hvp(f)(cr.tensor([a, b]), cr.tensor(v)), product)
    same(cr.jvp(cr.grad(f), [cr.tensor([a, b])], [cr.tensor(v)])[1], product)
    same(cr.grad(lambda x: cr.sum(cr.grad(f)(x) * cr.tensor(v)))(cr.tensor([a, b])), product)


def test_hessian_of_pytrees(same):
    def f(p):
        return p["a"] * p["a"] * p["b"]

    same(cr.hessian(f)({"a": 2.0, "b": 3.0}), {"a": {"a": 6.0, "b": 4.0}, "b": {"a": 4.0, "b": 0.0}})


def test_hessian_of_several_arguments(same):
    def f(a, b):
        return a * a * b

    same(cr.hessian(f, argnums=(0, 1))(2.0, 3.0), ((6.0, 4.0), (4.0, 0.0)))


def test_hvp_takes_further_arguments(same):
    same(cr.hvp(lambda x, k: k * cr.sum(x**3))(cr.tensor([1.0, 2.0]), cr.tensor([1.0, 1.0]), 2.0), [12.0, 24.0])


def test_second_derivative_where_a_zero_cotangent_meets_an_infinite_slope(same):
    # log(x)**2 at 1 has f' = 0 and f'' = 2: a `where` in the definition would lose it.
    same(cr.grad(cr.grad(lambda x: cr.log(x) ** 2))(1.0), 2.0)
    same(cr.jvp(cr.grad(lambda x: cr.log(x) ** 2), [1.0], [1.0]), (0.0, 2.0))


# Nesting: whose derivative is it?


def test_perturbations_are_not_confused(same):
    # The classic: d/dx (x * d/dy (x + y)) is 1 and not 2.
    same(cr.grad(lambda x: x * cr.grad(lambda y: x + y)(1.0))(1.0), 1.0)
    same(cr.grad(lambda x: x * cr.grad(lambda y: x * y)(2.0))(3.0), 6.0)

    def forward(f, x):
        return cr.jvp(f, [x], [1.0])[1]

    same(forward(lambda x: x * forward(lambda y: x + y, 1.0), 1.0), 1.0)
    same(forward(lambda x: x * forward(lambda y: x * y, 2.0), 3.0), 6.0)
    same(cr.grad(lambda x: x * forward(lambda y: x * y, 2.0))(3.0), 6.0)
    same(forward(lambda x: x * cr.grad(lambda y: x * y)(2.0), 3.0), 6.0)


def test_the_inner_argument_is_the_outer_one(same):
    # Differentiating with respect to a fresh source: the outer x inside is a constant to the inner gradient.
    same(cr.grad(lambda x: cr.grad(lambda y: x * y * y)(x))(3.0), 12.0)
    same(cr.grad(lambda x: cr.grad(lambda y: x * x * y)(x))(3.0), 6.0)
    same(cr.grad(lambda x: cr.grad(lambda y: y * y * y)(x))(3.0), 18.0)


def test_closed_over_outer_values_in_the_inner_result(same):
    def outer(x):
        z = x * x
        _, pull = cr.vjp(lambda y: y * z, x)
        return pull(z)[0]

    same(cr.grad(outer)(2.0), 4 * 2.0**3)


@pytest.mark.parametrize("order", range(1, 6))
def test_derivatives_of_any_order(same, order):
    f = cr.sin
    for _ in range(order):
        f = cr.grad(f)
    same(f(0.7), math.sin(0.7 + order * math.pi / 2), 1e-13)
    forward = cr.sin
    for _ in range(order):
        forward = (lambda g: lambda x: cr.jvp(g, [x], [1.0])[1])(forward)
    same(forward(0.7), math.sin(0.7 + order * math.pi / 2), 1e-13)


def test_forward_of_reverse_and_reverse_of_forward(same, slope):
    def f(x):
        return cr.exp(cr.sin(x) * x) / (1.0 + x * x)

    same(cr.jvp(cr.grad(f), [0.8], [1.0])[1], slope(cr.grad(f), 0.8), 1e-8)
    same(cr.grad(lambda x: cr.jvp(f, [x], [1.0])[1])(0.8), slope(cr.grad(f), 0.8), 1e-8)


def test_forward_through_every_kind_of_operation(same):
    def f(x):
        a = cr.reshape(x, (2, 2))
        b = a @ cr.permute_dims(a, (1, 0))
        c = cr.concat([b[0], cr.max(a, axis=1), cr.set_at(x, 1, 0.0)])
        return cr.sum(cr.where(c > 1.0, c * c, c)) / cr.mean(cr.exp(x)) + cr.stack([x[0], x[3]])[1]

    x = cr.tensor([0.5, 1.5, -0.3, 2.0])
    gradient = cr.grad(f)(x)
    for direction in ([1.0, 0.0, 0.0, 0.0], [0.3, -1.0, 2.0, 0.5]):
        pushed = cr.jvp(f, [x], [cr.tensor(direction)])[1]
        same(pushed, sum(g * d for g, d in zip(gradient.tolist(), direction, strict=True)), 1e-12)


def test_jvp_of_a_gather_has_a_dense_tangent(same):
    table = cr.tensor([[1.0], [2.0], [3.0]])
    rows = cr.tensor([2, 0, 2])
    same(cr.jvp(lambda t: t[rows] * t[rows], [table], [cr.tensor([[1.0], [0.0], [10.0]])])[1], [[60.0], [2.0], [60.0]])


def test_no_grad_inside_makes_constants_and_gradients_inside_no_grad_work(same):
    def f(x):
        with cr.no_grad():
            scale = x * 2.0
            inner = cr.grad(cr.square)(3.0)
        assert float(inner) == 6.0
        return x * scale

    same(cr.grad(f)(3.0), 6.0)


def test_stop_gradient_in_every_order(same):
    def f(x):
        return x * x * cr.stop_gradient(x)

    same(cr.grad(f)(3.0), 18.0)
    same(cr.grad(cr.grad(f))(3.0), 6.0)
    same(cr.jvp(f, [3.0], [1.0])[1], 18.0)


def test_variables_inside_are_constants_to_grad_and_visible_to_a_tape(same):
    v = cr.Variable(2.0)
    with cr.GradientTape() as tape:
        g = cr.grad(lambda x: x * x * v)(3.0)
    same(tape.gradient(g, v), 6.0)


def test_a_variable_as_the_argument(same):
    v = cr.Variable([1.0, 2.0])
    g = cr.grad(lambda x: cr.sum(x * x))(v)
    assert isinstance(g, cr.Tensor)
    same(g, [2.0, 4.0])


def test_complex_arguments(same):
    # |z|^2 grows fastest along 2 z.
    same(cr.grad(lambda z: cr.real(z * cr.conj(z)))(3.0 + 4.0j), 6.0 + 8.0j)
    y, pull = cr.vjp(lambda z: z * z, 1.0 + 2.0j)
    same((y, pull(1.0 + 0.0j)), ((1.0 + 2.0j) ** 2, (2.0 - 4.0j,)))
    same(cr.jvp(lambda z: z * z, [1.0 + 2.0j], [1.0 + 0.0j])[1], 2.0 + 4.0j)


def test_names_and_docs_are_kept():
    def loss(x):
        "What it costs."
        return x

    for transformed in (cr.grad(loss), cr.value_and_grad(loss), cr.jacobian(loss), cr.hvp(loss)):
        assert transformed.__name__ == "loss"
        assert transformed.__doc__ == "What it costs."


def test_an_error_in_the_function_is_the_users_own_and_restores_everything(same):
    def f(x):
        raise ZeroDivisionError("the user's own")

    with pytest.raises(ZeroDivisionError, match="the user's own"):
        cr.grad(f)(1.0)
    with cr.GradientTape() as tape:
        pass
    y = cr.tensor(1.0) * 2.0
    assert y.node is None
    del tape
    same(cr.grad(cr.square)(3.0), 6.0)
