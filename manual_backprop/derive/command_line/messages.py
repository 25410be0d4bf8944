"""What a user's code raised, in words."""

LONGEST_MESSAGE = 300


def words_of(error: BaseException) -> str:
    """What was raised, in one line, shortened, and of characters that can be printed."""
    try:
        message = str(error)
    except Exception:  # the exception may be the user's own, and so is how it is written
        message = "its message cannot be read"
    shown = "".join(c if c.isprintable() else " " for c in message[: LONGEST_MESSAGE + 1])
    line = " ".join(shown.split())
    if len(message) > LONGEST_MESSAGE:
        line = line[:LONGEST_MESSAGE] + "…"
    name = type(error).__name__[:LONGEST_MESSAGE]
    return f"{name}: {line}" if line else name
