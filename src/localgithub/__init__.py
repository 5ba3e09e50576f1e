"""A GitHub on localhost for demos and tests: its REST API over real bare git repositories, and a few pages.

It answers at `/api/v3` as a GitHub Enterprise server does; objects hold the fields that clients of ours read.
"""

from localgithub.faults import Fault, Faults
from localgithub.git import GitError, Repository
from localgithub.hub import Hub
from localgithub.model import Account, Pull, Repo
from localgithub.server import LocalGitHub

__all__ = [
    "Account",
    "Fault",
    "Faults",
    "GitError",
    "Hub",
    "LocalGitHub",
    "Pull",
    "Repo",
    "Repository",
]
