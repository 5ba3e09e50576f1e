"""The language model: configuration, one bounded turn, redaction. The only room that imports pydantic_ai.

Importing this package is cheap. `connect` imports pydantic_ai (over a second), so call it at start, and only
when a model is configured.
"""
