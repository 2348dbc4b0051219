"""The ways in: JSON routes, web pages and the command line."""
