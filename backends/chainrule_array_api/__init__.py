"""Any array library that follows the Python array API standard, as a backend.

A backend for one more library is an entry point and a page of code: a function that imports the library and returns
`array_api_backend(name, namespace, version=..., devices=...)`, as `chainrule_array_api.strict` does.
"""

from chainrule_array_api._backend import array_api_backend as array_api_backend

__all__ = ["array_api_backend"]
