"""The version, read by the build and shown by `chainrule info`."""

__version__ = "0.1.0"
