"""alertd.toml + environment + secret files → settings. Every mistake at once; no secret ever in one of them."""

from alertd.config.load import load_settings
from alertd.config.model import Settings

__all__ = ["Settings", "load_settings"]
