"""`chainrule graph`: a picture of what a function of a file builds. What is heavy is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import chainrule as cr

if TYPE_CHECKING:
    import argparse


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target",
        metavar="FILE:FUNCTION",
        help="a function that builds a graph, or returns a Graph or tensors of one; or, with --args, one of arrays",
    )
    add = parser.add_argument
    add("--args", metavar="ARGS", help="arguments: dtypes with shapes, or values, e.g. 'float32[None,784] n=3'")
    add("--gradient", "--grad", action="store_true", help="with the gradient with respect to all inputs and variables")
    add("--passes", action="store_true", help="the program after each pass of the compiler, side by side")
    add("--output", metavar="FILE", help="where to save the picture (default: FUNCTION.svg; - prints it)")
    add("--text", action="store_true", help="print text in place of drawing")


def _run(arguments: argparse.Namespace) -> None:
    from pathlib import Path

    from chainrule import targets

    if arguments.text and arguments.output:
        raise cr.ArgumentError("--text is printed: give no --output with it")
    output = arguments.output or f"{arguments.target.rpartition(':')[2]}.svg"
    if output != "-" and not output.endswith(".svg"):
        raise cr.ArgumentError(f"--output: the picture is SVG, in a file whose name ends in .svg, got {output!r}")
    what = _built(targets.load(arguments.target), arguments)
    if arguments.passes:
        from chainrule_draw._draw import results

        what = cr.explain(results(what) if isinstance(what, cr.Graph) else what)
    if arguments.text:
        print(what if arguments.passes else cr.describe_graph(what))
        return
    drawing = cr.draw(what, passes=arguments.passes)
    if output == "-":
        sys.stdout.write(drawing.svg)
        return
    try:
        drawing.save(output)
    except OSError as error:
        raise cr.ArgumentError(f"--output: {output} cannot be written: {error.strerror}") from error
    print(f"saved {Path(output)}: {drawing.nodes} node{'s' * (drawing.nodes != 1)}")


def _built(thing: Any, arguments: argparse.Namespace) -> Any:
    """The graph, or the tensors of one, that a function builds."""
    if isinstance(thing, cr.Graph):
        if arguments.args is not None or arguments.gradient:
            raise cr.ArgumentError("--args and --gradient are for functions, and this is a graph already")
        return thing
    if not callable(thing):
        raise cr.ArgumentError(f"{arguments.target} is of type {type(thing).__name__}; expected a function or a Graph")
    with cr.Graph().as_default() as graph:
        result = _called(thing, arguments)
        if isinstance(result, cr.Graph):
            if arguments.gradient:
                raise cr.ArgumentError(
                    "--gradient: the function returns a whole graph; let it return the loss's tensor"
                )
            return result
        if result is None and len(graph) and not arguments.gradient:
            return graph
        try:
            cr.describe_graph(result)
        except cr.DTypeError:
            raise cr.ArgumentError(
                f"{arguments.target} returned {type(result).__name__} {result!r:.60}; expected a Graph or symbolic "
                "tensors. A function of arrays is drawn with --args, e.g. --args 'float32[100,784]'"
            ) from None
        return [result, _gradients(graph, result)] if arguments.gradient else result


def _called(function: Callable[..., Any], arguments: argparse.Namespace) -> Any:
    """What a function returns for arguments in which placeholders stand for arrays."""
    from chainrule import targets

    bound = targets.bound(arguments.target, function, arguments.args or "")
    for name, value in bound.arguments.items():
        bound.arguments[name] = _placed(name, value)
    return function(*bound.args, **bound.kwargs)


def _placed(name: str, value: Any) -> Any:
    """A placeholder for a spec; those of `*args` and `**kwargs` one by one."""
    if isinstance(value, tuple):
        return tuple(_placed(f"{name}_{i}", part) for i, part in enumerate(value))
    if isinstance(value, dict):
        return {key: _placed(key, part) for key, part in value.items()}
    return cr.placeholder(value.dtype, value.shape, name) if isinstance(value, cr.Spec) else value


def _gradients(graph: cr.Graph, result: Any) -> list[Any]:
    """The gradients with respect to all inputs and variables that have some."""
    inputs = [node.tensors[0] for node in graph if node.op.name == "placeholder"]
    sources = [*(x for x in inputs if x.dtype.is_inexact), *cr.trainable_variables()]
    if not sources:
        raise cr.ArgumentError("--gradient: there is no floating-point input and no variable to differentiate by")
    found = [g for g in cr.gradients(result, sources) if g is not None]
    if not found:
        raise cr.ArgumentError("--gradient: the result depends on no input and no variable through what has gradients")
    return found


GRAPH: Final = cr.Command("draw the graph that a function builds, or its program", _add_arguments, _run)
