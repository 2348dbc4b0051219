"""Measurements with references and gates: `python -m tests.bench [NAME…]`."""
