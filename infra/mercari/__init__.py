"""Mercari Shops' GraphQL: what is asked, and what the answers mean."""
