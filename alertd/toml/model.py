"""What all tables of a configuration have in common."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, str_min_length=1, validate_default=True
    )
    # Keys that may not stand in the file: KEY_file takes their place there.
    secret_keys: ClassVar[tuple[str, ...]] = ()


def of_table(text: str) -> PydanticCustomError:
    """A mistake of the table as a whole, where it would be odd to name the key at which it was found."""
    return PydanticCustomError("of_table", "{text}", {"text": text})
