"""`draw`: a picture of a graph, a function or some tensors. What makes it is imported when something is drawn."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import chainrule as cr

if TYPE_CHECKING:
    from chainrule_draw._box import Box


class Drawing:
    """A picture. A notebook shows it; `save` writes it to a file.

    Attributes:
        svg: the picture as SVG.
        nodes: how many nodes are in it.
    """

    def __init__(self, root: Box) -> None:
        from chainrule_draw._layout import layout
        from chainrule_draw._scene import NODES
        from chainrule_draw._svg import svg

        layout(root)
        self.svg = svg(root)
        self.nodes = sum(box.kind in NODES for box in root.all())
        self._size = (root.width, root.height)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the picture to a file.

        Raises:
            ArgumentError: the name ends in something else than `.svg`.
        """
        from pathlib import Path

        path = Path(path).expanduser()
        if path.suffix.lower() != ".svg":
            raise cr.ArgumentError(f"a drawing is saved as SVG, in a file whose name ends in .svg, got {str(path)!r}")
        path.write_text(self.svg, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow: auto">{self.svg}</div>'

    def __repr__(self) -> str:
        n = self.nodes
        return f"<Drawing of {n} node{'s' * (n != 1)}, {self._size[0]:.0f} x {self._size[1]:.0f}>"


def draw(
    what: Any, *args: Any, path: str | PathLike[str] | None = None, passes: bool = False, **kwargs: Any
) -> Drawing:
    """Draw a graph, or what a function computes: forward and gradient parts apart, name scopes as boxes.

    What made a node is shown when the mouse rests on it: its operation, the line of your code, and for what computes
    gradients the definition with its plugin and version, and whether that is an override.

    Args:
        what: a `Graph`; tensors or nodes of one, which are drawn with all they need; a `Program`; an explanation; or a
            function, with the arguments of a call.
        *args: the arguments of a function; `cr.Spec(shape, dtype)` stands for an array.
        path: where to save the picture, a name ending in `.svg`.
        passes: whether to draw the program after each pass of the compiler too, side by side.
        **kwargs: further arguments of a function.

    Raises:
        IgraphMissingError: igraph, which finds the layout, is not installed.
        ArgumentError: the file is not to end in `.svg`, or arguments came with what takes none.
        DTypeError: there is nothing to draw in `what`.

    >>> import chainrule as cr
    >>> with cr.Graph().as_default() as graph:
    ...     x = cr.placeholder("float64", (None,), name="x")
    ...     _ = cr.gradients(cr.sum(cr.sin(x)), x)
    >>> cr.draw(graph)
    <Drawing of 8 nodes, ... x ...>
    """
    from chainrule_draw._scene import scene

    if isinstance(what, cr.Graph | cr.Program | cr.Tensor | cr.ProgramExplanation) and (args or kwargs):
        raise cr.ArgumentError(f"draw: {what!r:.60} takes no arguments, got {len(args) + len(kwargs)}; a function does")
    if callable(what) or (passes and not isinstance(what, cr.ProgramExplanation)):
        what = cr.explain(results(what) if isinstance(what, cr.Graph) else what, *args, **kwargs)
    if not isinstance(what, cr.ProgramExplanation):
        root = scene(cr.describe_graph(what), "")
    elif passes:
        root = stages(what)
    else:
        root = scene(cr.describe_graph(what.stages["traced"]), what.name)
    drawing = Drawing(root)
    if path is not None:
        drawing.save(path)
    return drawing


def results(graph: cr.Graph) -> list[Any]:
    """What a graph computes and does not use itself."""
    used = {x.node for node in graph for x in node.inputs if isinstance(x, cr.Symbol)}
    used |= {other for node in graph for other in (*node.controls, *node.followers)}
    return [part for node in graph if node not in used for part in node.tensors or (node,)]


def stages(explanation: cr.ProgramExplanation) -> Box:
    """The program after each pass, side by side."""
    from chainrule_draw._box import Box
    from chainrule_draw._scene import scene

    root = Box("graph", explanation.name, in_row=True)
    for name, program in explanation.stages.items():
        stage = scene(cr.describe_graph(program), name)
        stage.kind = "stage"
        stage.detail = f"{explanation.counts[name]} instructions"
        root.add(stage)
    return root
