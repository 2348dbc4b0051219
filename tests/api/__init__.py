"""The ways in, over real HTTP and a real Postgres."""
