"""A Slack workspace on localhost: Web API, Socket Mode, incoming webhooks and a small page."""

from localslack.client import Control, Counters
from localslack.delivery import DeliveryRules
from localslack.errors import RateLimited, SlackError, WorkspaceFileError
from localslack.examples import example_path
from localslack.export import load
from localslack.faults import ApiFault, SocketFaults
from localslack.server import LocalSlack
from localslack.workspace import APP_TOKEN, BOT_TOKEN, Workspace

__all__ = [
    "APP_TOKEN",
    "BOT_TOKEN",
    "ApiFault",
    "Control",
    "Counters",
    "DeliveryRules",
    "LocalSlack",
    "RateLimited",
    "SlackError",
    "SocketFaults",
    "Workspace",
    "WorkspaceFileError",
    "example_path",
    "load",
]
