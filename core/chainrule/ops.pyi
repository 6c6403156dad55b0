"""Operations are registered at run time: any name may be one."""

from typing import Any

def __getattr__(name: str) -> Any: ...
