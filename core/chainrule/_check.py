"""`check_gradient`: whether a gradient is what its definitions promise, by differences along random directions."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import optree

from chainrule import _context, _registry, ops
from chainrule._backward import Subgraph
from chainrule._convert import as_tensor
from chainrule._definition import Definition
from chainrule._dispatch import apply
from chainrule._dtypes import real_dtype
from chainrule._engine_ops import identity
from chainrule._errors import ArgumentError, ChainruleError, DTypeError, GradientCheckError, MissingGradientError
from chainrule._explain import CutEdge, GradientStep, cuts_between, step_of
from chainrule._forward import push_forward
from chainrule._gradients import gradients_of, zeros_like
from chainrule._indexed_slices import dense
from chainrule._missing import EPSILON, real_product
from chainrule._node import NO_ATTRIBUTES, Node
from chainrule._plugins import load_plugins
from chainrule._record import Dropped, source
from chainrule._tensor import Tensor
from chainrule._trees import any_tensor, is_number

Run = Callable[[Sequence[Tensor]], list[Tensor]]


@dataclass(frozen=True)
class CheckedStep(GradientStep):
    """A step of the gradient, and what came of checking it.

    Attributes:
        result: `"agrees"`, `"agrees as part of the whole"`, `"unchecked: <why>"`, or what it gives instead.
    """

    result: str

    def __str__(self) -> str:
        mark = " OVERRIDE" if self.override else " MISSING-RULE POLICY" if self.policy else ""
        return (
            f"{self.node}: rule {self.rule!r} ({self.contract}) of {self.plugin}{mark}, {self.definition}; "
            f"called at {self.site}: {self.result}"
        )


@dataclass(frozen=True)
class GradientCheck:
    """What `check_gradient` found: nothing that disagrees. Print it, or read its fields.

    Attributes:
        order: up to which order derivatives were checked.
        directions: how many random directions they were checked along.
        whole: whether the gradient as a whole was compared with differences of the function; where it holds surrogates
            or approximations each of its other steps was compared with differences of its operation.
        error: the largest difference found, relative to the gradient.
        forward: the largest difference between forward and reverse mode, None where there is no forward derivative.
        steps: the steps of the gradient, from the result backwards.
        cuts: where you stopped the gradient on purpose.
    """

    order: int
    directions: int
    whole: bool
    error: float
    forward: float | None
    steps: tuple[CheckedStep, ...]
    cuts: tuple[CutEdge, ...] = ()

    @property
    def unchecked(self) -> tuple[str, ...]:
        """What could not be compared: names of nodes."""
        return (*(s.node for s in self.steps if s.result.startswith("unchecked")), *(cut.op for cut in self.cuts))

    def __str__(self) -> str:
        how = "as a whole" if self.whole else "step by step"
        mode = "no forward derivative" if self.forward is None else f"forward mode within {self.forward:.1e}"
        head = f"order {self.order}, {self.directions} directions, {how}: within {self.error:.1e}; {mode}"
        return "\n  ".join([head, *map(str, self.steps), *(f"unchecked: {cut}" for cut in self.cuts)])


def check_gradient(
    f: Callable[..., Any],
    *args: Any,
    order: int = 1,
    rtol: float | None = None,
    atol: float = 0.0,
    directions: int = 2,
    seed: int = 0,
) -> GradientCheck:
    """Compare the gradient of `f` at `args` with differences of `f`, along random directions and cotangents.

    Reverse mode is compared with central differences, and forward mode with reverse mode. Contracts are honoured: an
    `exact` definition, and one that declares nothing, has to agree; an `approximate(tolerance)` one to its tolerance;
    a `surrogate`, like `stop_gradient`, is left out and named. Where there is one of the latter two, each other step
    of the gradient is compared with differences of its own operation. The function runs eagerly, a few times for each
    direction; at kinks differences tell nothing.

    Args:
        f: a function of arrays (or pytrees) to a pytree of arrays, which gives the same when called again.
        args: its arguments. All arrays and numbers of a floating-point dtype in them are differentiated.
        order: 2 checks the gradient of the gradient too.
        rtol: how far a derivative may be off, relative to the gradient; by default the cube root of the dtype's
            precision: 6e-6 in float64, 5e-3 in float32. The rounding of the differences is allowed for by itself.
        atol: how far it may be off in any case.
        directions: how many.
        seed: of the random directions.

    Returns:
        The report.

    Raises:
        GradientCheckError: something disagrees; names the operations, their definitions, plugins and lines.
        DTypeError: nothing to differentiate, in `args` or in the result.
        ArgumentError: an option out of range.

    >>> import chainrule as cr
    >>> cr.check_gradient(lambda x: cr.sin(x) * x, 0.5, order=2).whole
    True
    >>> with cr.override_gradients({"sign": cr.surrogate(lambda g, _y, _x: g)}):
    ...     cr.check_gradient(lambda x: cr.sign(x) * cr.exp(x), 0.5).unchecked
    ('sign',)
    """
    if order not in (1, 2) or type(directions) is not int or directions < 1:
        raise ArgumentError(
            f"check_gradient: order is 1 or 2 and directions at least 1, got order={order!r}, directions={directions!r}"
        )
    load_plugins()
    name = getattr(f, "__name__", repr(f))
    with _context.init_scope():
        run, xs = _of_leaves(f, args, name)
        settings = _Settings(name, rtol, atol, directions, random.Random(seed))
        return _checked(run, xs, order, settings)


@dataclass(frozen=True)
class _Settings:
    name: str
    rtol: float | None
    atol: float
    directions: int
    rng: random.Random

    def random_like(self, x: Tensor) -> Tensor:
        """A tensor of normal numbers."""
        gauss = self.rng.gauss
        is_complex = x.dtype.kind == "complex"
        values = [complex(gauss(0, 1), gauss(0, 1)) if is_complex else gauss(0, 1) for _ in range(x.size)]
        backend = x.backend
        flat = Tensor(backend.asarray(values, x.value.dtype, x.device), backend)
        return ops.reshape(flat, shape=x.shape)  # type: ignore[no-any-return]  # operations give tensors


def _of_leaves(f: Callable[..., Any], args: tuple[Any, ...], name: str) -> tuple[Run, list[Tensor]]:
    """`f` as a function of the tensors in its arguments to those in its result, and the tensors it is checked at."""
    leaves: list[Any]
    leaves, treedef = optree.tree_flatten(args)  # type: ignore[arg-type]  # a tuple of anything is a tree
    tensors: dict[int, Tensor] = {}
    for i, leaf in enumerate(leaves):
        if any_tensor([leaf]) or is_number(leaf) or hasattr(leaf, "dtype"):
            t = as_tensor(leaf)
            if t.dtype.is_inexact:
                tensors[i] = _constant(t)
    if not tensors:
        raise DTypeError(f"check_gradient of {name}: no argument is an array or number of a floating-point dtype")

    def run(xs: Sequence[Tensor]) -> list[Tensor]:
        given = dict(zip(tensors, xs, strict=True))
        result = f(*optree.tree_unflatten(treedef, [given.get(i, leaf) for i, leaf in enumerate(leaves)]))
        ys = [y for y in map(as_tensor, optree.tree_leaves(result)) if y.dtype.is_inexact]
        if not ys:
            raise DTypeError(f"check_gradient of {name}: the result holds no array of a floating-point dtype")
        return ys

    return run, list(tensors.values())


def _constant(x: Tensor) -> Tensor:
    return Tensor(x.value, x.backend)


class _Kept(Definition):
    """A definition whose nodes keep all they were called with, so that each operation can be run again by itself."""

    __slots__ = ("original",)

    def __init__(self, original: Definition) -> None:
        for name in Definition.__slots__:
            setattr(self, name, getattr(original, name))
        self.original = original
        self.reads_output = True

    def drops(self, tracked: int, n_inputs: int) -> tuple[int, ...]:
        """None."""
        return ()


class _Keeping(dict[str, Definition]):
    """The overrides in force, for nodes that keep all."""

    def get(self, name: str, definition: Any = None) -> Any:
        """The definition of an operation's next node."""
        chosen = super().get(name, definition)
        return None if chosen is None else _Kept(chosen)


def _checked(run: Run, xs: list[Tensor], order: int, settings: _Settings) -> GradientCheck:
    with _context.scope(recording=True, overrides=_Keeping(_context.current().overrides or {})):
        sources = [source(x, identity.op, NO_ATTRIBUTES) for x in xs]
        ys = run(sources)
    graph = Subgraph(ys, sources)
    definitions = {node: _original(node) for node in graph.nodes() if node not in graph.sources}
    cuts = tuple({str(cut): cut for y in ys for cut in cuts_between(y, sources[0])}.values())
    stops = tuple(cut for cut in cuts if _is_declared(cut))
    loose = [d.contract for d in definitions.values() if d.contract.kind in ("approximate", "surrogate")]
    whole = not loose and not stops
    slack = sum(contract.tolerance for contract in loose)
    found = _compare(run, xs, order, settings, differences=whole, slack=slack)
    if whole and found.problem:
        steps, _ = _by_steps(graph, definitions, order, settings)
        raise GradientCheckError(_message(settings, found.problem, steps, cuts))
    if found.problem:
        raise GradientCheckError(f"check_gradient of {settings.name}: {found.problem}")
    if whole:
        steps = [_step(node, definition, "agrees as part of the whole") for node, definition in definitions.items()]
        return GradientCheck(order, settings.directions, True, found.error, found.forward, tuple(steps))
    steps, error = _by_steps(graph, definitions, order, settings)
    if any(_disagrees(step) for step in steps):
        raise GradientCheckError(_message(settings, "", steps, ()))
    return GradientCheck(order, settings.directions, False, error, found.forward, tuple(steps), stops)


def _original(node: Node) -> Definition:
    definition = node.definition
    assert definition is not None
    return definition.original if isinstance(definition, _Kept) else definition


def _is_declared(cut: CutEdge) -> bool:
    """Whether a gradient was stopped there on purpose, though there is a derivative."""
    op = _registry.ops.imported(cut.op)
    definition = None if op is None else op.definition
    return cut.op == "stop_gradient" or (definition is not None and definition.contract.kind == "surrogate")


@dataclass(frozen=True)
class _Found:
    """The largest relative errors, and what is wrong in a sentence."""

    error: float = 0.0
    forward: float | None = None
    problem: str = ""


def _compare(run: Run, xs: list[Tensor], order: int, settings: _Settings, differences: bool, slack: float) -> _Found:
    """Reverse mode with differences, if they are to tell, and with forward mode, for each order."""
    error, forward = 0.0, 0.0
    has_forward = True
    ys = [_constant(y) for y in run(xs)]
    eps = max(EPSILON[real_dtype(t.dtype)] for t in (*xs, *ys))
    rtol = slack + (eps ** (1 / 3) if settings.rtol is None else settings.rtol)
    for _ in range(settings.directions):
        function = run
        for k in range(1, order + 1):
            scales = [max(1.0, float(ops.max(ops.abs(x))) if x.size else 1.0) for x in xs]
            vs = [settings.random_like(x) * scale for x, scale in zip(xs, scales, strict=True)]
            values, us, pulled, pushed = _both_modes(function, xs, vs, settings)
            reverse = _inner(pulled, vs)
            norm = sum(s * s * _inner([g], [g]) for s, g in zip(scales, pulled, strict=True)) ** 0.5
            size = sum(float(ops.sum(ops.abs(u) * ops.abs(y))) for u, y in zip(us, values, strict=True))
            step = eps ** (1 / 3)
            noise = 4 * eps * size / step
            if differences:
                again = function(xs)
                if abs(_inner(us, values) - _inner(us, again)) > 16 * eps * size:
                    return _Found(problem="the function gives another result when it is called again")
                up, down = (
                    function([x + sign * step * v for x, v in zip(xs, vs, strict=True)]) for sign in (1.0, -1.0)
                )
                numeric = (_inner(us, up) - _inner(us, down)) / (2 * step)
                scale = max(abs(numeric), norm)
                if not abs(reverse - numeric) <= settings.atol + rtol * scale + noise:
                    return _Found(
                        problem=f"{_ordinal(k)} derivative along a random direction: the gradient gives "
                        f"{reverse:.8g}, differences give {numeric:.8g}"
                    )
                error = max(error, abs(reverse - numeric) / scale if scale else 0.0)
            if pushed is None:
                has_forward = False
            else:
                moved = _inner(us, pushed)
                if not abs(reverse - moved) <= settings.atol + rtol * max(abs(moved), norm) + noise:
                    return _Found(
                        problem=f"{_ordinal(k)} derivative along a random direction: reverse mode gives "
                        f"{reverse:.8g}, forward mode gives {moved:.8g}"
                    )
                forward = max(forward, abs(reverse - moved) / norm if norm else 0.0)
            function = _gradient_of(run, us)
    return _Found(error, forward if has_forward else None)


def _ordinal(k: int) -> str:
    return ("first", "second")[k - 1]


def _both_modes(
    function: Run, xs: Sequence[Tensor], vs: Sequence[Tensor], settings: _Settings
) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor] | None]:
    """The result, random cotangents for it, what reverse mode makes of these, and forward mode of the directions."""
    with _context.scope(recording=True):
        sources = [source(x, identity.op, NO_ATTRIBUTES) for x in xs]
        ys = function(sources)
    us = [settings.random_like(_constant(y)) for y in ys]
    pulled = [dense(g) for g in gradients_of(ys, sources, us, zeros=True)]
    try:
        moved = push_forward(ys, sources, vs)
        pushed = [_constant(zeros_like(y) if t is None else t) for y, t in zip(ys, moved, strict=True)]
    except MissingGradientError:
        return [_constant(y) for y in ys], us, pulled, None
    return [_constant(y) for y in ys], us, pulled, pushed


def _gradient_of(run: Run, us: Sequence[Tensor]) -> Run:
    """The gradient of a function weighted by cotangents, as a function."""

    def gradient(xs: Sequence[Tensor]) -> list[Tensor]:
        recording = _context.current().recording
        with _context.scope(recording=True):
            sources = [source(x, identity.op, NO_ATTRIBUTES) for x in xs]
            ys = run(sources)
        with _context.scope(recording=recording):
            return [dense(g) for g in gradients_of(ys, sources, us, zeros=True)]

    return gradient


def _inner(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    """The real inner product."""
    return sum(float(ops.sum(real_product(s, t))) for s, t in zip(a, b, strict=True))


def _by_steps(
    graph: Subgraph, definitions: Mapping[Node, Definition], order: int, settings: _Settings
) -> tuple[list[CheckedStep], float]:
    """Each step compared with differences of its operation, and the largest error."""
    steps, largest = [], 0.0
    for node, definition in definitions.items():
        contract = definition.contract
        if contract.kind == "surrogate":
            steps.append(_step(node, definition, "unchecked: a surrogate"))
            continue
        local = _alone(node, graph.inner[node], definition)
        if local is None:
            steps.append(_step(node, definition, "unchecked: it cannot be run again by itself"))
            continue
        # What an approximation's own derivative is worth nobody has promised.
        depth = 1 if contract.kind == "approximate" else order
        found = _compare(*local, depth, settings, differences=True, slack=contract.tolerance)
        largest = max(largest, found.error)
        steps.append(_step(node, definition, found.problem or "agrees"))
    return steps, largest


def _alone(node: Node, wanted: Sequence[int], definition: Definition) -> tuple[Run, list[Tensor]] | None:
    """A node's operation as a function of the inputs that gradients pass to; None if it cannot be run again."""
    op = node.op
    if any(type(x) is Tensor and type(x.value) is Dropped for x in node.inputs):
        return None
    inputs = [_constant(x) if type(x) is Tensor else x for x in node.inputs]

    def run(xs: Sequence[Tensor]) -> list[Tensor]:
        given = dict(zip(wanted, xs, strict=True))
        with _context.scope(overrides={op.name: definition}):
            result = apply(op, tuple([given.get(i, x) for i, x in enumerate(inputs)]), node.attributes)
        return [y for y in (result if op.multiple else (result,)) if y.dtype.is_inexact]

    xs = [inputs[i] for i in wanted]
    try:
        return (run, xs) if run(xs) else None
    except ChainruleError:  # it is no operation with a kernel: a custom gradient, a move to another backend
        return None


def _step(node: Node, definition: Definition, result: str) -> CheckedStep:
    return CheckedStep(**asdict(step_of(node, definition)), result=result)


def _disagrees(step: CheckedStep) -> bool:
    return not step.result.startswith(("agrees", "unchecked"))


def _message(settings: _Settings, problem: str, steps: Sequence[CheckedStep], cuts: Sequence[CutEdge]) -> str:
    lines = [
        f"check_gradient of {settings.name}: " + (problem or "steps of the gradient disagree with their operations")
    ]
    wrong = [step for step in steps if _disagrees(step)]
    suspects = [step for step in steps if step.result.startswith("unchecked")]
    for step in wrong or suspects:
        lines.append(f"op {step.op!r}, {step}")
        if step.contract == "undeclared":
            lines.append(f"  if {step.rule!r} is not meant to be the derivative, declare it: cr.surrogate({step.rule})")
    if not wrong:
        lines += [f"the gradient is cut: {cut}" for cut in cuts]
        if not suspects and not cuts:
            lines.append(
                "each operation agrees by itself: part of the result was computed where nothing records (no_grad, "
                "values read from tensors), or the function has a kink or jump here"
            )
    return "\n  ".join(lines)
