"""The error of this package, of chainrule's family."""

import chainrule as cr


class IgraphMissingError(cr.ChainruleError, ImportError):
    """igraph, which finds the layout, is not installed or does not import."""
