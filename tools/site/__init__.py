"""The site of the documentation: its order, and links that lead out of docs/ into the repository. Called by MkDocs."""
