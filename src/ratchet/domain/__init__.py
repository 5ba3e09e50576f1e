"""Frozen values that every room shares. Imports nothing of ours but itself."""
