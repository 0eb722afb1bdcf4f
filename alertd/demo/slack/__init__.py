"""A stand-in for Slack: Web API and incoming webhooks over real sockets, with their limits, faults and lags."""

from alertd.demo.slack.faults import Fault, Faults
from alertd.demo.slack.server import SlackStandIn
from alertd.demo.slack.workspace import Channel, Message, Workspace

__all__ = ["Channel", "Fault", "Faults", "Message", "SlackStandIn", "Workspace"]
