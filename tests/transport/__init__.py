"""How bytes, processes, files and locks behave when things go wrong."""
