"""What people write in TOML, read strictly, with the line of everything."""
