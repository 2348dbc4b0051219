"""The command line: every command asks /v1, as any other client does."""
