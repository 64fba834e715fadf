"""Slack's own clients, which only who has something to post loads: they and their HTTP client take a third of a second.

In:  the settings of [notify], a webhook's address or a bot's token. Out: posts; NotSent says why one was not taken.
"""

from __future__ import annotations

import re

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from ninefold.config import Notify as Settings
from ninefold.services.failures import NotSent, without_address


class SlackPosts:
    """With a webhook the token is not used."""

    def __init__(self, settings: Settings, webhook: str, token: str) -> None:
        self._channel = settings.channel
        self._webhook = AsyncWebhookClient(webhook) if webhook else None
        self._client = AsyncWebClient(token, base_url=settings.api_url or AsyncWebClient.BASE_URL)

    async def send(self, text: str) -> None:
        """raises: NotSent."""
        try:
            if self._webhook is not None:
                answer = await self._webhook.send(text=text)
                if answer.status_code != 200:
                    raise NotSent(
                        f"Slack answered {answer.status_code}: {_word(answer.body)}",
                        float(answer.headers.get("Retry-After", 0)),
                    )
            else:
                await self._client.chat_postMessage(channel=self._channel, text=text)
        except SlackApiError as error:
            raise NotSent(
                f"Slack refused: {error.response['error']}", float(error.response.headers.get("Retry-After", 0))
            ) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NotSent(f"Slack cannot be reached: {without_address(error)}") from None


def _word(body: str) -> str:
    """Slack's own word for what is wrong; a page of something between might repeat the address, which is secret."""
    return body if re.fullmatch(r"[a-z_]{1,60}", body) else f"{len(body)} characters that are no word of Slack"
