"""PURE decisions: what is due, what it is called, whether two manifests agree. No clock, no file, no server."""
