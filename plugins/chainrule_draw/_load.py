"""What `FILE:FUNCTION` names."""

from __future__ import annotations

import difflib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import chainrule as cr


def load(target: str) -> Any:
    """The function, or whatever it is, of a Python file.

    Raises:
        ArgumentError: there is no such file, it cannot be run, or it has nothing of the name.
    """
    file, colon, name = target.rpartition(":")
    if not colon or not file or not name:
        raise cr.ArgumentError(f"expected FILE:FUNCTION, such as model.py:softmax, got {target!r}")
    path = Path(file).expanduser()
    if not path.is_file():
        raise cr.ArgumentError(f"{file}: no such file" if not path.exists() else f"{file} is not a file")
    module = _module(path)
    if not hasattr(module, name):
        names = [key for key, value in vars(module).items() if _is_own(value, module)]
        near = difflib.get_close_matches(name, names, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise cr.ArgumentError(f"{file} has no {name!r}{hint}; it has {', '.join(names) or 'no functions'}")
    return getattr(module, name)


def _module(path: Path) -> ModuleType:
    """A file run as a module, with its folder where it looks for others, as Python does."""
    spec = importlib.util.spec_from_file_location(f"graph_of_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise cr.ArgumentError(f"{path} is no Python file: its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = "" if isinstance(error, SyntaxError) else f", at {place.filename}:{place.lineno}"
        raise cr.ArgumentError(f"{path} does not run: {type(error).__name__}: {error}{where}") from error
    finally:
        sys.path.remove(str(path.parent.resolve()))
    return module


def _is_own(value: Any, module: ModuleType) -> bool:
    return isinstance(value, cr.Graph) or (callable(value) and getattr(value, "__module__", "") == module.__name__)
