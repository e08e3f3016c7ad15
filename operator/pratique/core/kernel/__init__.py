"""What every other package of core/ stands on: effects, errors, text, conditions, and answers of the API server."""
