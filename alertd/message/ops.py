"""What alertd says of itself: a failure, and its end."""

from alertd.message.apart import signless
from alertd.message.blocks import mark, paragraph
from alertd.message.payload import payload


def render_ops(text: str, *, delivery_id: str, over: bool) -> str:
    words = f"{'✅' if over else '⚠'} alertd: {signless(text)}"
    return payload(words, [paragraph(words), mark(delivery_id, "about alertd itself")])
