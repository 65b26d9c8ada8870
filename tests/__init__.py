"""The tests: one file per behaviour, against real servers that `tests.servers` starts."""
