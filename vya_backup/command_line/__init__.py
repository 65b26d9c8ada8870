"""The only modules that know doit."""
