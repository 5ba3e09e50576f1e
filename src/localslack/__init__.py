"""A Slack workspace on localhost: Web API, Socket Mode, incoming webhooks and a small page."""
