"""The shell around the decisions: gather, decide, act, append."""
