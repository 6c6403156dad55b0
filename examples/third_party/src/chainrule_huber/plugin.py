"""The hooks that tell chainrule what this distribution has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chainrule import Command, hookimpl
from chainrule_huber import _gradients
from chainrule_huber._command import COMMAND
from chainrule_huber._huber import huber, huber_numpy
from chainrule_huber._robust import huber_loss


@hookimpl
def chainrule_ops() -> list[Callable[..., Any]]:
    """It becomes `cr.huber`."""
    return [huber]


@hookimpl
def chainrule_kernels() -> Mapping[str, Mapping[str, Callable[..., Any]]]:
    """Every other backend uses the kernel that the operation is defined by."""
    return {"numpy": {"huber": huber_numpy}}


@hookimpl
def chainrule_functions() -> Mapping[str, Callable[..., Any]]:
    """It becomes `cr.huber_loss`."""
    return {"huber_loss": huber_loss}


@hookimpl
def chainrule_namespaces() -> Mapping[str, str]:
    """It becomes `cr.robust`."""
    return {"robust": "chainrule_huber"}


@hookimpl
def chainrule_gradients() -> Mapping[str, Any]:
    """A gradient to override with, by name."""
    return {"huber_abs": _gradients.huber_abs}


@hookimpl
def chainrule_overrides() -> Mapping[str, Mapping[str, Any]]:
    """Sets for `cr.override_gradients` and `CHAINRULE_OVERRIDES`."""
    return {
        "straight_through": dict.fromkeys(("sign", "round", "floor"), _gradients.pass_through),
        "smooth_abs": {"abs": "huber_abs"},
    }


@hookimpl
def chainrule_commands() -> Mapping[str, Command]:
    """It becomes `chainrule huber`."""
    return {"huber": COMMAND}


@hookimpl
def chainrule_samples() -> Mapping[str, Any]:
    """What `pytest --pyargs chainrule_testing --plugin huber` checks the operation with."""
    from chainrule_huber._samples import SAMPLES

    return SAMPLES


@hookimpl
def chainrule_info() -> list[str]:
    """A line for `chainrule info`."""
    return ["straight_through passes gradients through sign, round and floor"]
