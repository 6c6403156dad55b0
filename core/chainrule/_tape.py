"""`GradientTape`: gradients of code that runs as it is written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Token
from typing import Any

import optree

from chainrule import _context, ops
from chainrule._backward import Subgraph
from chainrule._collector import recording_ends, recording_starts
from chainrule._convert import as_tensor
from chainrule._engine_ops import identity
from chainrule._errors import ArgumentError, DTypeError, ShapeError, TapeError
from chainrule._functional import basis, each
from chainrule._gradients import as_list, fitting, gradients_of, zeros_like
from chainrule._indexed_slices import dense
from chainrule._node import NO_ATTRIBUTES, Node, new_serial
from chainrule._plugins import load_plugins
from chainrule._record import source
from chainrule._tensor import Tensor
from chainrule._trees import leaves_of
from chainrule._variable import Variable


class GradientTape:
    """Record the operations of a `with` block, to take gradients of its results.

    Trainable variables are watched by themselves; tensors are watched by `watch`. Tapes nest: an inner gradient
    computed while an outer tape records can be differentiated again.

    Args:
        persistent: whether more than one gradient can be taken; otherwise the first one ends the tape.
        watch_accessed_variables: whether variables are watched by themselves.

    >>> import chainrule as cr
    >>> with cr.GradientTape() as tape:
    ...     x = tape.watch(cr.tensor(3.0))
    ...     y = x * x
    >>> tape.gradient(y, x)
    Tensor(6.0, float64)
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_variables = watch_accessed_variables
        self._watched: dict[Node, Tensor] = {}
        self._variables: dict[int, Variable] = {}
        self._spans: list[tuple[int, float]] = []
        self._token: Token[_context.Context] | None = None
        self._used = False

    def __enter__(self) -> GradientTape:
        if self._token is not None:
            raise TapeError("GradientTape: this tape is recording already; make another one for a nested block")
        load_plugins()
        self._token = _context.enter(_context.current().replace(recording=True))
        self._spans.append((new_serial(), math.inf))
        recording_starts()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._token is not None:
            self._pause()

    def _pause(self) -> None:
        assert self._token is not None
        recording_ends()
        _context.leave(self._token)
        self._token = None
        self._spans[-1] = (self._spans[-1][0], new_serial())

    def watch(self, x: Any) -> Any:
        """Make gradients with respect to a tensor or variable, or each in a pytree of them, possible.

        Returns:
            `x` itself, for convenience.

        Raises:
            DTypeError: something else, or a tensor of integers.
        """
        for leaf in optree.tree_leaves(x):
            if isinstance(leaf, Variable):
                self._variables[id(leaf)] = leaf
            elif type(leaf) is not Tensor:
                raise DTypeError(
                    f"GradientTape.watch: expected tensors or variables, got {type(leaf).__name__}; "
                    "make a tensor of it first: x = cr.tensor(x)"
                )
            elif not leaf.dtype.is_inexact:
                raise DTypeError(f"GradientTape.watch: a tensor of {leaf.dtype} has no gradient; cast it to a float")
            else:
                if not isinstance(leaf._node, Node):
                    leaf._node = source(leaf, identity.op, NO_ATTRIBUTES)._node
                assert isinstance(leaf._node, Node)
                self._watched[leaf._node] = leaf
        return x

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Do not record what happens in this block.

        Raises:
            TapeError: the tape is not recording.
        """
        if self._token is None:
            raise TapeError("GradientTape.stop_recording: the tape is not recording")
        self._spans[-1] = (self._spans[-1][0], new_serial())
        with _context.no_grad():
            try:
                yield
            finally:
                self._spans.append((new_serial(), math.inf))

    def reset(self) -> None:
        """Forget everything recorded and watched so far."""
        self._watched.clear()
        self._variables.clear()
        self._spans = [(new_serial(), math.inf)] if self._token is not None else []
        self._used = False

    def watched_variables(self, *results: Any) -> list[Variable]:
        """The variables that `results`, tensors recorded here, were computed from, in the order they were read."""
        graph = Subgraph([y for y in leaves_of(results) if type(y) is Tensor], [], spans=self._spans)
        nodes = (graph.found[serial] for serial in sorted(graph.found))
        read = (node.attributes["variable"] for node in nodes if node.op.name == "read_variable")
        seen = {id(v): v for v in read if self._is_watched(v)}
        return list({**seen, **self._variables}.values())

    def _is_watched(self, x: Any) -> bool:
        if isinstance(x, Variable):
            return id(x) in self._variables or (self._watch_variables and x.trainable)
        node = x._node
        return isinstance(node, Node) and (node in self._watched or any(a <= node.serial < b for a, b in self._spans))

    def _use(self) -> None:
        if self._used and not self._persistent:
            raise TapeError(
                "GradientTape: a tape gives one gradient (or Jacobian); for more, pass all sources at once or make it "
                "with persistent=True"
            )
        self._used = True
        if not self._persistent and self._token is not None:
            self._pause()

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = "none",
        sum: bool = False,
        overrides: Mapping[Any, Any] | None = None,
    ) -> Any:
        """The gradient of a recorded result with respect to watched sources.

        Args:
            target: a tensor of one element, or a pytree of such, whose sum is differentiated.
            sources: tensors and variables, in any pytree.
            output_gradients: cotangents, in the structure of `target`; targets may then be arrays.
            unconnected_gradients: `"none"` or `"zero"`, as for `gradients`.
            sum: whether to take the sum of targets that are arrays.
            overrides: gradient-time overrides; see `gradients`.

        Returns:
            Gradients in the structure of `sources`; None where a source was not watched or nothing leads to it
            (`cr.why_no_gradient(target, source)` says which), `IndexedSlices` where all of it comes from gathers.

        Raises:
            TapeError: a second gradient of a tape that is not persistent.
            ShapeError: a target is an array, without `sum` or `output_gradients`.
            DTypeError: a target or source of the wrong type.
        """
        if unconnected_gradients not in ("none", "zero"):
            raise ArgumentError(f"unconnected_gradients: expected 'none' or 'zero', got {unconnected_gradients!r}")
        ys = self._targets(target)
        seeds = [None] * len(ys)
        if output_gradients is not None:
            seeds = self._seeds(target, output_gradients, ys)
        else:
            for y in ys:
                if y.shape and not sum:
                    raise ShapeError(
                        f"GradientTape.gradient: the target has shape {y.shape}; sum it, pass sum=True, or give "
                        "output_gradients; or use tape.jacobian"
                    )
                if y.dtype.kind == "complex":
                    raise DTypeError(
                        "GradientTape.gradient: a complex target needs output_gradients; or take its real part"
                    )
        leaves, treedef = optree.tree_flatten(sources)
        xs = self._sources(leaves)
        self._use()
        zeros = unconnected_gradients == "zero"
        known = [x for x in xs if self._is_watched(x)]
        found = iter(gradients_of(ys, known, seeds, zeros=zeros, overrides=overrides, spans=self._spans))
        results = [next(found) if self._is_watched(x) else zeros_like(x) if zeros else None for x in xs]
        return optree.tree_unflatten(treedef, results)

    def _targets(self, target: Any) -> list[Tensor]:
        leaves = optree.tree_leaves(target)
        if target is None or not leaves:
            raise DTypeError(f"GradientTape.gradient: expected a target tensor or a structure of them, got {target!r}")
        for leaf in leaves:
            if type(leaf) is not Tensor and not isinstance(leaf, Variable):
                raise DTypeError(
                    f"GradientTape.gradient: targets are tensors, got {type(leaf).__name__}; what a tape records are "
                    "operations on tensors"
                )
        return [as_tensor(leaf) for leaf in leaves]

    def _sources(self, leaves: list[Any]) -> list[Any]:
        for leaf in leaves:
            if type(leaf) is not Tensor and not isinstance(leaf, Variable):
                raise DTypeError(
                    f"GradientTape.gradient: sources are watched tensors or variables, got {type(leaf).__name__}"
                )
        return leaves

    def _seeds(self, target: Any, output_gradients: Any, ys: list[Tensor]) -> list[Any]:
        if len(ys) == 1:
            given = as_list(output_gradients) if type(target) in (list, tuple) else [output_gradients]
        else:
            given = optree.tree_leaves(output_gradients, none_is_leaf=True)
        if len(given) != len(ys):
            raise ArgumentError(f"output_gradients: got {len(given)} cotangents for {len(ys)} targets")
        return [
            None if seed is None else fitting(y, seed, f"output_gradients[{i}]")
            for i, (y, seed) in enumerate(zip(ys, given, strict=True))
        ]

    def jacobian(self, target: Tensor, sources: Any, unconnected_gradients: str = "none") -> Any:
        """The Jacobian of a recorded tensor, of shape `target.shape + source.shape` for each source.

        It takes the gradients of all elements of the target at once, as a batch of `vmap`; a tape that is not
        persistent is enough.

        Raises:
            TapeError, DTypeError: as for `gradient`.
        """
        (y,) = self._targets(target)
        return self._by_rows(y, sources, unconnected_gradients, basis(y), y)

    def batch_jacobian(self, target: Tensor, source: Tensor, unconnected_gradients: str = "none") -> Any:
        """The Jacobians of each row of the target with respect to the same row of the source.

        Args:
            target: of shape `(n, ...)`; each row must depend on the same row of the source alone.
            source: of shape `(n, ...)`.

        Returns:
            Shape `(n,) + target.shape[1:] + source.shape[1:]`, or None.

        Raises:
            ShapeError: the first dimensions differ.
        """
        (y,) = self._targets(target)
        if not y.shape or not source.shape or y.shape[0] != source.shape[0]:
            raise ShapeError(
                f"GradientTape.batch_jacobian: target {y.shape} and source {source.shape} differ in their first "
                "dimension"
            )
        row = Tensor(y._backend.full(y.shape[1:], 0, y._value.dtype, y.device), y._backend)
        seeds = ops.broadcast_to(basis(row)[:, None], shape=(row.size, *y.shape))
        block = self._by_rows(y, source, unconnected_gradients, seeds, row)
        if block is None:
            return None
        n = row.ndim
        return ops.permute_dims(block, axes=(n, *range(n), *range(n + 1, block.ndim)))

    def _by_rows(self, y: Tensor, sources: Any, unconnected: str, seeds: Tensor, like: Tensor) -> Any:
        leaves, treedef = optree.tree_flatten(sources)
        xs = self._sources(leaves)
        self._use()
        known = [x for x in xs if self._is_watched(x)]

        def row(seed: Tensor) -> list[Any]:
            found = gradients_of([y], known, [seed], spans=self._spans)
            return [None if g is None else dense(g) for g in found]

        rows = iter(each(row, seeds))
        blocks: list[Any] = []
        for x in xs:
            block, shape = next(rows) if self._is_watched(x) else None, like.shape + x.shape
            if block is None and unconnected == "zero":
                block = ops.zeros_like(as_tensor(x), shape=shape)
            blocks.append(None if block is None else ops.reshape(block, shape=shape))
        return optree.tree_unflatten(treedef, blocks)
