"""Tests that kill the running service and start it again."""
