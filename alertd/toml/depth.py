"""How deep TOML is nested, before anything reads it: keys of keys by the thousand take minutes and all memory."""

import re

MOST_DEEP = 64
_TOKEN = re.compile(
    r"""(?P<text>"{3}(?:\\.|[^\\])*?"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[\w+-]+)
    |(?P<blank>[ \t]+|\#[^\n]*)|(?P<dot>\.)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<equals>=)|(?P<comma>,)
    |(?P<end>\n)|.""",
    re.VERBOSE | re.DOTALL,
)


def too_deep(text: str) -> int | None:
    """The first line on which tables, lists and the parts of keys stand within more than MOST_DEEP others; or None.

    The text need not be TOML. Counted is rather too much than too little: a header and the keys below it together.
    """
    line, header, parts = 1, 0, 1  # the parts of the table's name, and of the key that is read
    around: list[int] = []  # the parts of the keys whose brackets are open
    in_value = False
    for found in _TOKEN.finditer(text):
        match found.lastgroup:
            case "dot":
                parts += 1
            case "open":
                around.append(parts if in_value else 0)
                parts = 1
            case "close":
                header = header if in_value else parts
                parts = 1 if in_value else parts
                del around[-1:]
            case "equals":
                in_value = True
            case "comma":
                parts = 1
            case "end" if not around:
                parts, in_value = 1, False
            case _:
                pass
        if found.lastgroup in {"dot", "open"} and (header if in_value else 0) + sum(around) + parts > MOST_DEEP:
            return line
        line += found[0].count("\n")
    return None
