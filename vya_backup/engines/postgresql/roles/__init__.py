"""The accounts of a PostgreSQL server, its roles, backed up as `INSTANCE/@users`: one module per question.

The reading order: lexer, statements, writing, reading (a dump's text as values); catalogs (the same of a server); dump
and observer; equalizing and findings, for a restore; restoring, for a drill; acl and privileges, for who may do what in
one database; engine.
The rule: a dump and a server go through one reader, so that their accounts are compared in the same words.
"""
