"""Samples of chainrule's own operations."""
