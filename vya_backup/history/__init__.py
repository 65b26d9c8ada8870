"""What happened: the immutable events, their hash chain, the catalog file that holds them, and the views."""
