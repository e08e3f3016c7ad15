"""The API that users speak, one package per version."""
