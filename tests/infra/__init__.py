"""Tests of the outside: stores, adapters, jobs and the sandbox, against real parts."""
