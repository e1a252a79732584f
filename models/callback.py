"""Where a provider reports what became of a text: an address only it was told.

`/hooks/sms/<notification id>/<fence>/<secret>`: the fence tells which send of the text is meant,
the secret that we made the address.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from uuid import UUID

from models.settings import Settings

_SECRET_BYTES = 16


def callback_url(settings: Settings, notification_id: UUID, fence: int) -> str:
    """Return the address to give with one send; built from BASE_URL, never from a request."""
    secret = callback_secret(settings, notification_id, fence)
    return f"{settings.base_url}/hooks/sms/{notification_id}/{fence}/{secret}"


def callback_secret(settings: Settings, notification_id: UUID, fence: int) -> str:
    """Return 128 bits of HMAC-SHA256 over row and fence, as 22 URL-safe characters."""
    return _encode(_digest(settings, b"callback", notification_id, str(fence).encode()))


def callback_hash(settings: Settings, notification_id: UUID) -> bytes:
    """Return what the gate finds the row by, the same for every send of a text.

    Kept in `notifications.callback_hash`; only who holds LINK_KEY can present it.
    """
    return hashlib.sha256(_digest(settings, b"row", notification_id, b"")).digest()


def _digest(settings: Settings, what: bytes, notification_id: UUID, more: bytes) -> bytes:
    key = settings.link_key.get_secret_value().encode()
    about = b"textback text " + what + b"\0" + notification_id.bytes + more
    return hmac.digest(key, about, "sha256")


def _encode(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest[:_SECRET_BYTES]).rstrip(b"=").decode()
