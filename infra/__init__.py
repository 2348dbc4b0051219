"""The outside world: Postgres, Amazon, Mercari, jobs, secrets, settings and the sandbox."""
