"""Verifies evidence bundles: no database, no network, and no other part of this project.

The folder can be copied away and run alone, as `python -m verifier BUNDLE`; it needs Python 3.11
and the package `cryptography`. What is proved, and what is not, is told in docs/evidence.md.
"""
