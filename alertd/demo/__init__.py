"""What the demo, test-rule and the tests run against: an embedded search server and a stand-in for Slack."""
