"""`chainrule info`: what is installed, what works, and why the rest does not."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from typing import Any
from warnings import catch_warnings

from chainrule import _backends, _overrides, _passes, _plugins, _registry, _settings, _threads
from chainrule._backend import Backend
from chainrule._cli import Command
from chainrule._errors import ChainruleError
from chainrule._owner import ENGINE
from chainrule._registry import find_kernel, find_op
from chainrule._version import __version__

_DEPENDENCIES = ("pluggy", "optree", "numpy", "scipy")


def report() -> str:
    """The report as text."""
    parts = (_versions(), _environment(), _setting_lines(), _backend_lines(), _plugin_lines(), _pass_lines())
    return "\n\n".join("\n".join(part) for part in parts)


def _versions() -> Iterator[str]:
    yield f"chainrule {__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    for name in _DEPENDENCIES:
        try:
            yield f"  {name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"  {name} not installed"


def _environment() -> Iterator[str]:
    yield "Environment"
    names = sorted(name for name in os.environ if name.startswith("CHAINRULE_"))
    for name in names:
        yield f"  {name}={os.environ[name]}"
    if not names:
        known = (
            *(_backends.VARIABLE, _plugins.DISABLE, _overrides.VARIABLE, "CHAINRULE_DATA", "CHAINRULE_KEEP_MEMORY"),
            *(_threads.VARIABLE, _settings.STRICT, _settings.JIT),
        )
        yield f"  none of chainrule's variables is set ({', '.join(known)})"
    yield from (f"  {line}" for line in _plugins.unknown_disabled())
    try:
        with catch_warnings(action="ignore"):  # of what the lines above say
            _plugins.load_plugins()
    except ChainruleError as error:
        yield f"  {error}"


def _setting_lines() -> Iterator[str]:
    yield "Settings"
    yield from (
        f"  {line}"
        for line in (
            _setting("threads", _threads.NUM_THREADS),
            _setting("strict math", _settings.STRICT_MATH),
            _setting("JIT", _settings.JIT_MODE),
        )
    )


def _setting(what: str, setting: _settings.Setting[Any]) -> str:
    """A setting's value, and where it comes from."""
    try:
        value = setting.value()
        return f"{what}: {('off', 'on')[value] if type(value) is bool else value} ({setting.origin()})"
    except ChainruleError as error:
        return f"{what}: {error}"


def _backend_lines() -> Iterator[str]:
    yield "Backends"
    try:
        chosen = _backends.get_backend().name
        yield f"  {chosen} is in force ({_why_chosen()})"
    except ChainruleError as error:
        chosen = ""
        yield f"  no backend is in force: {error}"
    for name in _backends.available_backends():
        mark = "*" if name == chosen else " "
        try:
            backend = _backends.load_backend(name)
            devices = ", ".join(backend.devices())
            memory = ", ".join(f"{key} {value / 2**30:.1f} GiB" for key, value in backend.memory(None).items())
            yield f" {mark}{name}: {backend.version}; devices {devices}" + (f"; memory {memory}" if memory else "")
            yield f"    dtypes {', '.join(backend.dtypes)}"
            yield f"    {_coverage(backend)}"
            yield from (f"    {line}" for line in backend.notes())
        except Exception as error:  # whatever a backend does wrong, the report goes on
            yield f" {mark}{name}: unavailable: {error}"


def _why_chosen() -> str:
    return f"{_backends.VARIABLE} says so" if os.environ.get(_backends.VARIABLE, "").strip() else "the default"


def _coverage(backend: Backend) -> str:
    """How many operations a backend has kernels for, and which it has none for; how many of those have a gradient."""
    missing, gradients, total = [], 0, 0
    for name, owner in _registry.ops.owners.items():
        if owner == ENGINE:
            continue
        total += 1
        try:
            op = find_op(name)
            find_kernel(op, backend)
        except ChainruleError:
            missing.append(name)
        else:
            gradients += op.definition is not None and op.definition.reason is None
    shown = f", none for {', '.join(missing[:6])}{', ...' if len(missing) > 6 else ''}" if missing else ""
    return f"kernels for {total - len(missing)} of {total} operations{shown}; {gradients} of them have gradients"


def _plugin_lines() -> Iterator[str]:
    yield "Plugins"
    for table in (_registry.ops, _registry.functions, _registry.numpy_functions):
        for name in table:
            with suppress(ChainruleError):  # which is then what became of its plugin
                table.find(name)
    for name, plugin in sorted(_plugins.plugins().items()):
        owner = plugin.owner
        origin = f" ({owner.distribution} {owner.version}, {plugin.module})" if owner.distribution else ""
        yield f"  {name}{origin}: {plugin.status}{': ' + plugin.error if plugin.error else ''}"
        for kind, names in plugin.registered.items():
            shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
            yield f"    {len(names)} {kind if len(names) != 1 else kind.removesuffix('s')}: {shown}"
        for line in (*_kernel_conflicts(plugin), *_plugins.info_lines(name)):
            yield f"    {line}"
        for line in plugin.trace.splitlines():
            yield f"    | {line}"


def _pass_lines() -> Iterator[str]:
    """The compiler's passes, in the order they run."""
    yield "Passes of the compiler"
    try:
        for name in _passes.passes():
            owner = _registry.passes.owners.get(name)
            yield f"  {name}" + (f" of {owner}" if owner else "")
    except ChainruleError as error:
        yield f"  {error}"


def _kernel_conflicts(plugin: _plugins.Plugin) -> Iterator[str]:
    """What is wrong with a plugin's kernels, which shows when backends are there."""
    for key in plugin.registered.get("kernels", ()):
        backend, _, op = key.partition(":")
        if backend not in _backends.available_backends():
            yield f"kernel of op {op!r} is for backend {backend!r}, which is not installed"
            continue
        with suppress(ChainruleError):  # the backend's own lines say why it is not available
            if op in _backends.load_backend(backend).kernels:
                yield f"conflict: kernel of op {op!r}: backend {backend!r} has one itself"


def _run(arguments: argparse.Namespace) -> int:
    print(report())
    failed = [p for p in _plugins.plugins().values() if p.status == "failed"]
    if failed:
        print(f"\n{len(failed)} plugin{'s' * (len(failed) != 1)} failed to load; see above", file=sys.stderr)
    return 0


COMMAND = Command("show versions, backends, plugins and settings", lambda parser: None, _run)
