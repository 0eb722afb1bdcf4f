"""What to do about each refusal of Slack: the same words in `check`, in trouble, and in `status`."""

_ANEW = "create a new one, and put it into the token file"
_NEW_HOOK = "create a new one, and put its address into the url file"
REPAIR = {
    "not_in_channel": "invite the bot: /invite @alertd in the channel",
    "channel_not_found": "name the channel by its id (C…), and invite the bot if it is private",
    "missing_scope": "add the scope to the Slack app and install it again",
    "invalid_auth": f"the token is not valid: {_ANEW}",
    "not_authed": f"the token is not valid: {_ANEW}",
    "token_expired": f"the token is not valid: {_ANEW}",
    "token_revoked": f"the token was revoked: {_ANEW}",
    "account_inactive": "the token's bot was removed: install the app again",
    "not_allowed_token_type": "this is no bot token: put the one that begins with xoxb- into the token file",
    "is_archived": "unarchive the channel or name another",
    "restricted_action": "who may post in the channel is restricted: allow the bot, or name another channel",
    # of a webhook
    "channel_is_archived": "unarchive the channel, or create a webhook for another",
    "invalid_token": f"the webhook's address is not valid: {_NEW_HOOK}",
    "no_active_hooks": f"the webhook was switched off: {_NEW_HOOK}",
    "no_service": f"the webhook was removed or switched off: {_NEW_HOOK}",
    "no_service_id": f"the webhook's address is not whole: {_NEW_HOOK}",
    "action_prohibited": "an admin of the workspace has restricted this: ask for the webhook to be allowed",
}


def with_repair(text: str, word: str) -> str:
    """`word`: Slack's own for the refusal."""
    return f"{text}: {REPAIR[word]}" if word in REPAIR else text
