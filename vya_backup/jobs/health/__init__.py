"""`doit health`: a small function for each thing that can go wrong, which says what did and how to mend it."""
