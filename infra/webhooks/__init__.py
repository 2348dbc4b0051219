"""Telling sellers' own servers what happens."""
