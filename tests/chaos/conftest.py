from tests.acceptance.conftest import installed

__all__ = ["installed"]
