"""alertd tells a security team in Slack, exactly once, whenever somebody uses an AWS root user."""

__version__ = "0.1.0"
