"""Ratchet: an AI bot in a team's Slack that reduces operational toil."""

__version__ = "0.1.0"
