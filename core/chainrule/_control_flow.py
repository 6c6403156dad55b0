"""Control flow: `cond`, `switch`, `while_loop`, `fori_loop`, `scan`, `map`.

Eagerly, where values are known, they run as the Python code they stand for. In graphs and compiled functions branches
and bodies are traced once and become the programs of one node.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import optree

from chainrule import _context, ops
from chainrule._convert import as_tensor, spec_of
from chainrule._dim import Dim
from chainrule._dispatch import apply
from chainrule._dtypes import int64
from chainrule._errors import ArgumentError, DTypeError, IndexingError, ShapeError
from chainrule._flow import SCAN, SWITCH, WHILE, Scan, Switch, While
from chainrule._graph import Body, Graph
from chainrule._program import Program
from chainrule._replay import building
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule._trees import is_number, path_of
from chainrule._variable import Variable
from chainrule.infer import Spec, may_equal, result_dtype


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], *operands: Any) -> Any:
    """`true_fn(*operands)` if `pred` holds, else `false_fn(*operands)`; only the one that is chosen runs.

    Args:
        pred: a boolean, or a tensor of one.
        true_fn: a function of the operands; it may also use anything around it.
        false_fn: another, with a result of the same structure and dtypes.
        operands: any pytrees of tensors, arrays and numbers.

    Raises:
        DTypeError: in a graph, if the results differ in structure or dtype, or `pred` is no boolean.

    >>> import chainrule as cr
    >>> @cr.function
    ... def f(x):
    ...     return cr.cond(x > 0, cr.sqrt, lambda x: 0.0 * x, x)
    >>> f(4.0), cr.grad(f)(4.0), cr.grad(f)(-1.0)
    (np.float64(2.0), np.float64(0.25), np.float64(0.0))
    """
    if type(pred) is not bool:
        pred = as_tensor(pred)
        if pred.shape != () or pred.dtype != "bool":
            raise DTypeError(f"cond: pred is one boolean, got {spec_of(pred)!r}; compare, or take cr.any or cr.all")
    if not _is_symbolic(pred):
        return (true_fn if pred else false_fn)(*operands)
    return _choice("cond", ops.astype(pred, dtype=int64), (false_fn, true_fn), operands, ("false_fn", "true_fn"))


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """`branches[index](*operands)`; only the one that is chosen runs.

    Args:
        index: an integer, or a tensor of one, from 0.
        branches: functions with results of the same structure and dtypes.
        operands: any pytrees of tensors, arrays and numbers.

    Raises:
        IndexingError: the index chooses no branch.
        DTypeError: in a graph, if results differ in structure or dtype, or the index is no integer.

    >>> import chainrule as cr
    >>> cr.switch(1, [cr.sin, cr.square], 3.0)
    Tensor(9.0, float64)
    """
    branches = tuple(branches)
    if not branches:
        raise ArgumentError("switch: there are no branches")
    index = _whole(index, "switch: the index is one integer")
    if not _is_symbolic(index):
        i = int(index)
        if not 0 <= i < len(branches):
            raise IndexingError(f"switch: index {i} chooses none of {len(branches)} branches")
        return branches[i](*operands)
    return _choice("switch", index, branches, operands, tuple(f"branches[{i}]" for i in range(len(branches))))


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], init: Any, maximum_iterations: int | None = None
) -> Any:
    """Repeat `carried = body(carried)` as long as `cond(carried)` holds.

    Gradients pass: what is carried into each step is kept for them, if they are asked for.

    Args:
        cond: a function of what is carried to one boolean.
        body: a function of what is carried to the same structure, shapes and dtypes.
        init: what is carried at first, any pytree. A Python float has the precision of the arrays that it goes with.
        maximum_iterations: an end in any case.

    Returns:
        What is carried when `cond` holds no longer.

    Raises:
        DTypeError, ShapeError: the body changes structure, dtypes or shapes, or the condition is not one boolean.

    >>> import chainrule as cr
    >>> f = lambda x: cr.while_loop(lambda v: v < 100.0, lambda v: v * v, x)
    >>> f(3.0), cr.grad(cr.function(f))(3.0)
    (Tensor(6561.0, float64), np.float64(17496.0))
    """
    if maximum_iterations is not None:
        _, last = while_loop(
            lambda c: ops.logical_and(ops.less(c[0], maximum_iterations), cond(c[1])),
            lambda c: (c[0] + 1, body(c[1])),
            (as_tensor(0), init),
        )
        return last
    leaves, treedef = optree.tree_flatten(init)
    graph = _context.current().graph
    if graph is None:
        carried = _begun(leaves)
        while bool(cond(optree.tree_unflatten(treedef, carried))):
            found = body(optree.tree_unflatten(treedef, carried))
            carried = _next("while_loop", treedef, leaves, carried, *optree.tree_flatten(found))
        return optree.tree_unflatten(treedef, carried)
    carried, step = _fitting(
        "while_loop", graph, treedef, leaves, lambda c: _trace("the body of while_loop", graph, body, [(treedef, c)])
    )
    asked = _trace("the condition of while_loop", graph, cond, [(treedef, carried)])
    if len(asked.outputs) != 1 or asked.outputs[0].shape != () or asked.outputs[0].dtype != "bool":
        got = ", ".join(repr(y._value.spec) for y in asked.outputs)
        raise DTypeError(f"while_loop: the condition gives one boolean, got {got}")
    if asked.body.assigned:
        raise ArgumentError(
            f"while_loop: the condition assigns variable {asked.body.assigned[0].name!r}; assign it in the body"
        )
    states, constants = _outside(graph, [step, asked], step.body.assigned)
    n = len(leaves)
    programs = (
        asked.program(n, states, constants, asked.outputs),
        step.program(n, states, constants, [*step.outputs, *map_(step.body.state, step.body.assigned)]),
    )
    flow = While(programs, n + len(states), tuple(range(n + len(states))))
    made = apply(WHILE, (*carried, *_tensors(states), *_tensors(constants)), {"flow": flow})
    _assign(step.body.assigned, made[n : n + len(states)])
    return optree.tree_unflatten(treedef, made[:n])


def scan(
    f: Callable[..., Any], init: Any, xs: Any = None, length: int | None = None, reverse: bool = False
) -> tuple[Any, Any]:
    """Carry a value along the elements of arrays: `carried, y = f(carried, x)` for each, in order.

    Args:
        f: a function of what is carried and an element to what is carried next and a result; None where there is none.
        init: what is carried at first, any pytree. A Python float has the precision of the arrays that it goes with.
        xs: arrays, in any pytree, whose first axes are gone along together; None for none.
        length: how many steps; needed only without `xs`.
        reverse: whether to begin at the end. Results keep their places.

    Returns:
        What is carried at the end, and the results stacked.

    Raises:
        ShapeError: the first axes of `xs` differ in length, or differ from `length`; the carried value changes shape.
        DTypeError: it changes structure or dtype.

    >>> import chainrule as cr
    >>> cr.scan(lambda total, x: (total + x, total * x), 0.0, cr.tensor([1.0, 2.0, 3.0]))
    (Tensor(6.0, float64), Tensor([0., 2., 9.], float64))
    """
    leaves, treedef = optree.tree_flatten(init)
    elements, x_treedef = optree.tree_flatten(xs)
    elements = [as_tensor(x) for x in elements]
    n_steps = _length(elements, length, x_treedef)
    graph = _context.current().graph
    if graph is None and n_steps:
        return _scanned(f, treedef, leaves, x_treedef, elements, n_steps, reverse)
    with _context.scope(graph=_Sketch("a loop of no steps") if graph is None else graph):
        carried, step = _traced_scan(f, treedef, leaves, x_treedef, elements)
        if graph is not None:
            return _scan_node(step, treedef, carried, elements, n_steps, reverse)
    last = [ops.astype(a, dtype=b.dtype) for a, b in zip(_begun(leaves, elements), carried, strict=True)]
    ys = [ops.zeros(shape=(0, *y.shape), dtype=y.dtype) for y in step.outputs[len(leaves) :]]
    return optree.tree_unflatten(treedef, last), optree.tree_unflatten(step.treedefs[1], ys)


def fori_loop(lower: Any, upper: Any, body: Callable[[Any, Any], Any], init: Any) -> Any:
    """Repeat `carried = body(i, carried)` for each integer `i` from `lower` up to, but without, `upper`.

    Args:
        lower: an integer, or a tensor of one.
        upper: likewise.
        body: a function of the number and what is carried to what is carried next.
        init: what is carried at first, any pytree.

    Returns:
        What is carried at the end.

    Raises:
        DTypeError, ShapeError: as for `while_loop`.

    >>> import chainrule as cr
    >>> cr.fori_loop(0, 5, lambda i, total: total + i * i, 0)
    Tensor(30, int64)
    """
    start, stop = (_whole(n, "fori_loop: the bounds are integers") for n in (lower, upper))
    if not _is_symbolic(start) and not _is_symbolic(stop):
        numbers = ops.arange(int(start), int(stop))
        return scan(lambda carried, i: (body(i, carried), None), init, numbers)[0]
    start = ops.astype(start, dtype=int64)
    return while_loop(lambda c: c[0] < stop, lambda c: (c[0] + 1, body(c[0], c[1])), (start, init))[1]


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """`f` of each element along the first axis of arrays, stacked.

    >>> import chainrule as cr
    >>> cr.map(lambda row: cr.sum(row), cr.tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([3., 7.], float64)
    """
    if not optree.tree_leaves(xs):
        raise ArgumentError("map: there are no arrays to go along")
    return scan(lambda carried, x: (carried, f(x)), (), xs)[1]


def _whole(n: Any, what: str) -> Any:
    """An integer, or a tensor of one."""
    if type(n) is int:
        return n
    x = as_tensor(n)
    if x.shape != () or x.dtype.kind not in ("int", "uint"):
        raise DTypeError(f"{what}, got {spec_of(x)!r}")
    return x


def _begun(leaves: list[Any], elements: Sequence[Tensor] = ()) -> list[Tensor]:
    """What is carried at first: a Python float has the precision of the arrays that it goes with, as beside them."""
    specs = [spec_of(leaf if is_number(leaf) else as_tensor(leaf)) for leaf in (*leaves, *elements)]
    floats = [s for s in specs if s is not None and not s.weak and s.dtype.kind == "float"]
    dtype = result_dtype(*floats) if floats else None
    tensors = [as_tensor(leaf) for leaf in leaves]
    return [
        ops.astype(x, dtype=dtype) if dtype is not None and _is_weak(leaf) and x.dtype.kind == "float" else x
        for leaf, x in zip(leaves, tensors, strict=True)
    ]


def _is_weak(leaf: Any) -> bool:
    """Whether a leaf is a Python number, or stands for one in a compiled function."""
    return is_number(leaf) or (_is_symbolic(leaf) and leaf._value.weak)


# Eagerly


def _scanned(
    f: Callable[..., Any],
    treedef: optree.PyTreeSpec,
    leaves: list[Any],
    x_treedef: optree.PyTreeSpec,
    elements: list[Tensor],
    n_steps: int,
    reverse: bool,
) -> tuple[Any, Any]:
    """`scan` as a Python loop."""
    carried = _begun(leaves, elements)
    rows: list[Any] = []
    for t in reversed(range(n_steps)) if reverse else range(n_steps):
        x = optree.tree_unflatten(x_treedef, [x[t] for x in elements])
        found, y = _pair(f(optree.tree_unflatten(treedef, carried), x))
        carried = _next("scan", treedef, leaves, carried, *optree.tree_flatten(found))
        rows.append(y)
    if reverse:
        rows.reverse()
    stacked = optree.tree_map(lambda *ys: ops.stack([as_tensor(y) for y in ys]), *rows)
    return optree.tree_unflatten(treedef, carried), stacked


def _pair(found: Any) -> tuple[Any, Any]:
    if not isinstance(found, tuple) or len(found) != 2:
        raise DTypeError(f"scan: the function gives a pair (carried, result), got {found!r:.60}")
    return found


def _next(
    what: str,
    treedef: optree.PyTreeSpec,
    first: list[Any],
    before: list[Tensor],
    after: list[Any],
    after_treedef: optree.PyTreeSpec,
) -> list[Tensor]:
    """What is carried into the next step, which is like what was carried into this one.

    A Python number that a loop began with takes the dtype that the first step gives it.
    """
    if after_treedef != treedef:
        raise DTypeError(f"{what}: what is carried was {treedef}, the body gave {after_treedef}")
    tensors = [as_tensor(leaf) for leaf in after]
    for i, (x, y) in enumerate(zip(before, tensors, strict=True)):
        if not may_equal(x.shape, y.shape) or (x.dtype != y.dtype and not _is_free(first[i], x)):
            kind = ShapeError if x.dtype == y.dtype else DTypeError
            raise kind(
                f"{what}: what is carried{path_of(treedef, i) if treedef.num_leaves > 1 else ''} was "
                f"{spec_of(x)!r}, the body gave {spec_of(y)!r}; it must stay the same: cast it, or "
                "begin with what the body gives"
            )
    return tensors


def _is_free(leaf: Any, x: Tensor) -> bool:
    """Whether a carried value is still the number that it began as."""
    return is_number(leaf) and not x._node and type(x._value) is not Symbol


def _length(elements: list[Tensor], length: Any, treedef: optree.PyTreeSpec) -> Any:
    """How many steps a scan has."""
    if not elements and length is None:
        raise ArgumentError("scan: without arrays to go along, say how many steps: length=")
    found: Any = length
    if _is_symbolic(length):
        raise ArgumentError(
            "scan: how many steps there are is known beforehand; to a computed bound go by cr.fori_loop"
        )
    if length is not None and type(length) is not Dim:
        found = int(_whole(length, "scan: length= is an integer"))
        if found < 0:
            raise ArgumentError(f"scan: length= is how many steps there are, got {found}")
    for i, x in enumerate(elements):
        if not x.shape:
            what = "has no axis to go along" if x.shape == () else "is of unknown rank: give the placeholder a shape"
            raise ShapeError(f"scan: xs{path_of(treedef, i)} {what}")
        if found is not None and not may_equal((found,), x.shape[:1]):
            raise ShapeError(f"scan: xs{path_of(treedef, i)} has length {x.shape[0]}, expected {found}")
        found = x.shape[0] if found is None or type(found) is not int else found
    return found


# In graphs


class _Traced:
    """A branch or a body as a graph, and what it gives."""

    def __init__(
        self, body: Body, outputs: list[Tensor], weak: Sequence[bool], treedefs: list[optree.PyTreeSpec]
    ) -> None:
        self.body = body
        self.outputs = outputs
        self.weak = weak
        self.treedefs = treedefs

    def program(
        self, n_carry: int, states: Sequence[Symbol], constants: Sequence[Symbol], outputs: Sequence[Tensor]
    ) -> Program:
        """The program of it: what is carried, variables' values, the elements of arrays, what comes from outside."""
        own = self.body.inputs[: len(self.body.inputs) - len(self.body.captures)]
        inputs = [*own[:n_carry], *map_(self._inner, states), *own[n_carry:], *map_(self._inner, constants)]
        return Program(inputs, [y._value for y in outputs], self.body.nodes)

    def _inner(self, outer: Symbol) -> Symbol:
        """The input that a value from outside comes in by; one that nothing reads, if it does not come in."""
        return self.body.captures.get(outer) or Symbol(outer.shape, outer.dtype, outer.node, outer.index)


class _Sketch(Body):
    """A body that is traced to know what would come out, and never runs: what is being differentiated may come in."""

    def constant(self, value: Tensor, own: bool = False) -> Tensor:
        """See `Graph.constant`."""
        return super().constant(Tensor(value._value, value._backend), own)


map_ = builtins.map  # this module has a function called map


def _trace(
    what: str, graph: Graph, f: Callable[..., Any], arguments: Sequence[tuple[Any, Sequence[Any]]], n_results: int = 1
) -> _Traced:
    """Trace a branch or body on arguments like these tensors."""
    body = (_Sketch if isinstance(graph, _Sketch) else Body)(what, graph)
    with building(body), _context.scope(scope=_context.current().scope):
        trees = []
        for treedef, given in arguments:
            trees.append(optree.tree_unflatten(treedef, [body.input(x) for x in map_(_spec, given)]))
        found = f(*trees)
        leaves: list[Any] = []
        treedefs = []
        for part in _pair(found) if n_results == 2 else (found,):
            some, treedef = optree.tree_flatten(part)
            treedefs.append(treedef)
            leaves += some
        outputs = [_output(body, leaf) for leaf in leaves]
    return _Traced(body, outputs, [_is_weak(leaf) for leaf in leaves], treedefs)


def _spec(x: Any) -> Spec:
    return x if isinstance(x, Spec) else Spec(x.shape, x.dtype)


def _output(body: Body, leaf: Any) -> Tensor:
    try:
        return body.lifted(as_tensor(leaf))
    except DTypeError as error:
        raise DTypeError(f"a result of {body.what}: {error}") from None


def _fitting(
    what: str,
    graph: Graph,
    treedef: optree.PyTreeSpec,
    leaves: list[Any],
    trace: Callable[[list[Tensor]], _Traced],
    elements: Sequence[Tensor] = (),
) -> tuple[list[Tensor], _Traced]:
    """What is carried at first, and the body traced with it; a Python number takes the dtype that the body gives."""
    carried = [graph.lifted(x) for x in _begun(leaves, elements)]
    step = trace(carried)
    n = len(leaves)
    if step.treedefs[0] == treedef:
        retyped = [
            ops.astype(x, dtype=y.dtype) if _is_weak(leaf) and x.dtype != y.dtype else x
            for leaf, x, y in zip(leaves, carried, step.outputs[:n], strict=True)
        ]
        if any(a is not b for a, b in zip(carried, retyped, strict=True)):
            carried = retyped
            step = trace(carried)
    _next(what, treedef, [None] * n, carried, list(step.outputs[: step.treedefs[0].num_leaves]), step.treedefs[0])
    return carried, step


def _traced_scan(
    f: Callable[..., Any], treedef: Any, leaves: list[Any], x_treedef: Any, elements: list[Tensor]
) -> tuple[list[Tensor], _Traced]:
    graph = _context.current().graph
    assert graph is not None
    sliced = [Spec(x.shape[1:], x.dtype) for x in elements]
    return _fitting(
        "scan",
        graph,
        treedef,
        leaves,
        lambda c: _trace("the body of scan", graph, f, [(treedef, c), (x_treedef, sliced)], 2),
        elements,
    )


def _scan_node(
    step: _Traced, treedef: Any, carried: list[Tensor], elements: list[Tensor], length: Any, reverse: bool
) -> tuple[Any, Any]:
    graph = _context.current().graph
    assert graph is not None
    n, assigned = len(carried), step.body.assigned
    states, constants = _outside(graph, [step], assigned)
    outputs = [*step.outputs[:n], *map_(step.body.state, assigned), *step.outputs[n:]]
    n_carry = n + len(states)
    flow = Scan((step.program(n, states, constants, outputs),), n_carry, len(elements), reverse, tuple(range(n_carry)))
    inputs = (*carried, *_tensors(states), *elements, *_tensors(constants))
    made = apply(SCAN, inputs, {"flow": flow, "length": length})
    _assign(assigned, made[n:n_carry])
    ys = made[n_carry : n_carry + len(step.outputs) - n]
    return optree.tree_unflatten(treedef, made[:n]), optree.tree_unflatten(step.treedefs[1], ys)


def _choice(
    what: str, index: Tensor, branches: Sequence[Callable[..., Any]], operands: Any, names: tuple[str, ...]
) -> Any:
    """`switch` as a node."""
    graph = _context.current().graph
    assert graph is not None
    leaves, treedef = optree.tree_flatten(operands)
    tensors = [graph.lifted(as_tensor(leaf)) for leaf in leaves]

    def call(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda arguments: f(*arguments)

    traced = [
        _trace(f"{name} of {what}", graph, call(f), [(treedef, tensors)])
        for f, name in zip(branches, names, strict=True)
    ]
    _check_structure(what, traced, names)
    _retype(traced)
    _check_alike(what, traced, names)
    assigned = list({id(v): v for t in traced for v in t.body.assigned}.values())
    for t in traced:
        with building(t.body):
            for variable in assigned:
                t.body.read(variable)
    _, constants = _outside(graph, traced, [])
    programs = tuple(t.program(len(leaves), (), constants, [*t.outputs, *map_(t.body.state, assigned)]) for t in traced)
    made = apply(SWITCH, (index, *tensors, *_tensors(constants)), {"flow": Switch(programs, names, what)})
    n = len(traced[0].outputs)
    _assign(assigned, made[n:])
    return optree.tree_unflatten(traced[0].treedefs[0], made[:n])


def _check_structure(what: str, traced: Sequence[_Traced], names: Sequence[str]) -> None:
    """Refuse branches with results of different structures."""
    first = traced[0]
    for t, name in zip(traced[1:], names[1:], strict=True):
        if t.treedefs != first.treedefs:
            raise DTypeError(
                f"{what}: {names[0]} gives {first.treedefs[0]}, {name} gives {t.treedefs[0]}; all branches give the "
                "same structure"
            )


def _retype(traced: Sequence[_Traced]) -> None:
    """Give Python numbers among the results of branches the dtype that the other branches give."""
    for i in range(len(traced[0].outputs)):
        dtype = result_dtype(*(Spec((), t.outputs[i].dtype, t.weak[i]) for t in traced))
        for t in traced:
            if t.weak[i] and t.outputs[i].dtype != dtype:
                with building(t.body):
                    t.outputs[i] = ops.astype(t.outputs[i], dtype=dtype)


def _check_alike(what: str, traced: Sequence[_Traced], names: Sequence[str]) -> None:
    """Refuse branches with results of different dtypes or numbers of axes."""
    first = traced[0]
    for t, name in zip(traced[1:], names[1:], strict=True):
        for i, (a, b) in enumerate(zip(first.outputs, t.outputs, strict=True)):
            p, q = (Spec(y._value.shape, y.dtype) for y in (a, b))
            ranks = {len(s.shape) for s in (p, q) if s.shape is not None}
            if p.dtype != q.dtype or len(ranks) > 1:
                kind = DTypeError if p.dtype != q.dtype else ShapeError
                raise kind(
                    f"{what}: result{path_of(first.treedefs[0], i)} is {p!r} from {names[0]}, {q!r} from {name}; all "
                    "branches give the same dtypes and numbers of axes"
                )


def _outside(
    graph: Graph, traced: Sequence[_Traced], assigned: Sequence[Variable]
) -> tuple[list[Symbol], list[Symbol]]:
    """What bodies take from outside: the values of variables they assign, and the rest."""
    outer = list(dict.fromkeys(symbol for t in traced for symbol in t.body.captures))
    reads: list[Any] = [graph.read(variable)._value for variable in assigned]
    return reads, [symbol for symbol in outer if symbol not in reads]


def _tensors(symbols: Sequence[Symbol]) -> list[Tensor]:
    return [symbol.tensor for symbol in symbols]


def _assign(variables: Sequence[Variable], values: Sequence[Tensor]) -> None:
    """Give variables the values they have after a branch or loop, whenever that runs."""
    made = [variable.assign(value)._value for variable, value in zip(variables, values, strict=True)]
    if made:
        node = values[0]._value.node
        node.followers += tuple(symbol.node for symbol in made)


def _is_symbolic(x: Any) -> bool:
    return type(x) is Tensor and type(x._value) is Symbol
