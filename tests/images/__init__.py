"""Tests of the main-image inspector: hostile files, real processes, labelled pictures."""
