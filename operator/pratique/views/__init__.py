"""What people are shown of the objects, as data: the same rows for the command line and for a web console. Pure."""
