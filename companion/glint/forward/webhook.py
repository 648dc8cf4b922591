# SPDX-License-Identifier: Apache-2.0
"""`glint listen --webhook`: events to a web address."""

from typing import Any, Self

from glint.events import Event
from glint.forward import ForwardError, again, needed

_TIMEOUT_S = 10.0
# What another try may mend: the server's own errors, and that it is asked too often or too early.
_RETRIED = (408, 425, 429)


class Webhook:
    """Posts each event as JSON.

    Args:
        url: Where to, http or https.
    """

    def __init__(self, url: str) -> None:
        self._httpx = needed("httpx", "webhook")
        self._url = url
        try:
            parsed = self._httpx.URL(url)
        except self._httpx.InvalidURL as error:
            raise ForwardError(f"--webhook {url}: {error}.") from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ForwardError(f"--webhook takes http://HOST/... or https://HOST/..., not {url}.")
        self._client: Any = None

    async def __aenter__(self) -> Self:
        self._client = self._httpx.AsyncClient(timeout=_TIMEOUT_S)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def send(self, event: Event) -> None:
        """Returns when the server has answered with success. Raises ForwardError."""

        async def post() -> None:
            response = await self._client.post(self._url, json=event.as_json())
            status = response.status_code
            if 400 <= status < 500 and status not in _RETRIED:
                raise ForwardError(
                    f"{self._url} refuses event {event.seq}: {status} {response.reason_phrase}."
                )
            response.raise_for_status()

        await again(post, self._url, self._httpx.HTTPError)
