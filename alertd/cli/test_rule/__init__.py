"""`alertd test-rule`: tests in rule files offline, a look at the cluster, two versions of the rules side by side."""
