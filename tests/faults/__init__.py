"""Faults from outside: system calls that fail or kill, random kills, and a random walk, with the promises as judge.

The product has no fault points: strace lets one system call of a run, or of one of its tools, fail or end the process.
"""
