"""Makes the calls of runs to what is outside of the cluster: each once, with Secrets read as the Action's account."""
