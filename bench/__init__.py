"""Measurements of the running program: `python -m bench [NAME…] [--quick]`. README.md explains them."""
