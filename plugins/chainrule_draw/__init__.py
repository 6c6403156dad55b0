"""Pictures of graphs and programs: `cr.draw` and `chainrule graph`.

>>> import chainrule as cr
>>> drawing = cr.draw(lambda x: cr.sum(cr.sin(x)), cr.Spec((3,), "float64"))
>>> drawing
<Drawing of 3 nodes, ... x ...>
>>> drawing.svg.startswith("<svg ")
True

igraph finds the layout; `pip install 'chainrule[draw]'` installs it. It is imported when something is drawn.
"""

from chainrule_draw._draw import Drawing, draw
from chainrule_draw._errors import IgraphMissingError

__all__ = ["Drawing", "IgraphMissingError", "draw"]
