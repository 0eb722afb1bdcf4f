"""alertd about itself: what is wrong, told once per episode; the daily line."""
