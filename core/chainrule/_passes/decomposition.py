"""Expand operations that are made of others and have no kernel of their own on the backend."""

from __future__ import annotations

from chainrule._backend import Backend
from chainrule._program import Program


def decomposition(program: Program, backend: Backend) -> Program:
    return program
