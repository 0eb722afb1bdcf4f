"""TOML rule files → rules → searches."""
