"""What is looked up beside an event that matched."""
