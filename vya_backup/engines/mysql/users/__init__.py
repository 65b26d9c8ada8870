"""The accounts of MySQL and MariaDB: asked for, written as SQL, read again, compared and made equal.

The reading order: dialects, words, creation, grants, statements; asking and text, which make a dump; observer;
findings, equalizing and rehearsal; engine, which ties them together.
The rule: a hash is only ever in a statement's text; whatever reads one tells `redaction.remember`.
"""
