"""What `alertd demo`, `alertd test-rule` and the tests run against: an embedded search server and a stand-in for Slack."""
