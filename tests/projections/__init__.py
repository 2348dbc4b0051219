"""Tests of the projections: pure folds, without a database."""
