"""What the operator said: the configuration file, the environment and the credentials store."""
