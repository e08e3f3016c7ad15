"""What Slack's answers mean: done, to be tried again, somebody has to mend something, or this message will never do.

Slack answers 200 also to what it does not do, and says why by a code: the tables say what each code means. Of an
answer only a code of these tables is shown, and of others what `foreign` lets pass.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pratique.channels.kit.foreign import undocumented
from pratique.channels.kit.posting import Answer, judge, status_phrase
from pratique.core.kernel.effects import Delivery

_WORD = re.compile(r"[a-z_]{2,64}")
_NOT_SLACK = ", but not as Slack does: is spec.slack.bot.apiUrl right, or is there a proxy in between?"
_MOVED = "; redirects are not followed, put the final URL into spec.slack.bot.apiUrl"

PASSES = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "org_login_required",
        "external_channel_migrating",
    }
)
"""Codes of what passes by itself."""

_RENEW = "put the token of an app that is installed into the Secret (OAuth & Permissions, Bot User OAuth Token)"
_SCOPES = "give the app the scopes of the guide (OAuth & Permissions), and install it again"
_INVITE = "invite the bot to the channel (/invite)"
_ADMINS = "the workspace's settings keep the bot from this: ask its admins"
MENDABLE = {
    "invalid_auth": _RENEW,
    "not_authed": _RENEW,
    "account_inactive": _RENEW,
    "token_revoked": _RENEW,
    "token_expired": "the token was rotated; switch token rotation off and put the new token into the Secret",
    "not_allowed_token_type": _RENEW,
    "missing_scope": _SCOPES,
    "no_permission": _SCOPES,
    "not_in_channel": _INVITE,
    "channel_not_found": f"is spec.slack.bot.channel right? If the channel is private, {_INVITE}",
    "is_archived": "the channel is archived; unarchive it, or name another one",
    "is_inactive": "the channel is archived; unarchive it, or name another one",
    "messages_tab_disabled": "switch on the Messages Tab of the app (App Home, Show Tabs)",
    "restricted_action": _ADMINS,
    "restricted_action_read_only_channel": _ADMINS,
    "restricted_action_thread_only_channel": "the channel takes replies only; name another one",
    "restricted_action_non_threadable_channel": "the channel takes no replies; name another one",
    "ekm_access_denied": _ADMINS,
    "access_denied": _ADMINS,
    "accesslimited": "the workspace does not take calls from this network: ask its admins",
    "team_access_not_granted": "install the app in this workspace",
    "two_factor_setup_required": _ADMINS,
    "enterprise_is_restricted": _ADMINS,
    "unknown_method": "is spec.slack.bot.apiUrl right?",
}
"""Codes of what somebody has to mend, and how. Not for good: it is tried again meanwhile."""

FOR_GOOD = {
    "user_not_found": "there is no such person in the workspace",
    "users_not_found": "nobody in the workspace has this e-mail address",
    "user_disabled": "this person's account is deactivated",
    "cannot_dm_bot": "the address is of another bot",
    "msg_too_long": "the message is too long",
}
"""Codes that trying again does not change, as far as there is something to say. So is any code that is not known."""

_OTHERS = """
action_prohibited as_user_not_supported attachment_payload_limit_exceeded block_mismatch cannot_reply_to_message
cant_broadcast_message cant_update_message channel_is_archived deprecated_endpoint duplicate_channel_not_found
duplicate_message_not_found edit_window_closed invalid_arg_name invalid_arguments invalid_array_arg invalid_attachments
invalid_blocks invalid_blocks_format invalid_charset invalid_form_data invalid_metadata_format invalid_metadata_schema
invalid_payload invalid_post_type invalid_thread_ts invalid_token is_bot markdown_text_conflict message_limit_exceeded
message_not_found metadata_must_be_sent_from_app metadata_too_large method_deprecated missing_post_type
missing_recipient_user_id msg_blocks_too_long no_active_hooks no_dual_broadcast_content_update no_service no_service_id
no_team no_text not_allowed posting_to_general_channel_denied restricted_action_thread_locked slack_connect_blocked
slack_connect_canvas_sharing_blocked slack_connect_clip_sharing_blocked slack_connect_file_link_sharing_blocked
slack_connect_lists_sharing_blocked team_disabled team_not_found thread_not_found too_many_attachments
too_many_contact_cards update_failed
"""
KNOWN = PASSES | set(MENDABLE) | set(FOR_GOOD) | set(_OTHERS.split())
"""What may be shown: the codes that Slack documents for what is called here, and for incoming webhooks."""


@dataclass(frozen=True)
class Done:
    """Slack did what it was asked; `fields` is its answer, which is judged and never shown."""

    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Undone:
    """Slack did not. `code` is its own word for why; empty if it gave none."""

    failure: Delivery
    code: str = ""


def judged(answer: Answer, token: str = "") -> Done | Undone:
    """Say what an answer of the Web API means; nothing is shown that might be of the token."""
    fields = _fields(answer.body)
    said = fields.get("error")
    code = known_code(said)
    by_status = judge(answer, code)
    if by_status.sent and fields.get("ok") is True:
        return Done(fields)
    if not by_status.sent and not by_status.permanent and not by_status.channel_fault:
        return Undone(by_status)
    if code:
        return Undone(refusal(code, answer.retry_after), code)
    if isinstance(said, str) and _WORD.fullmatch(said):
        return Undone(Delivery(sent=False, error=f"Slack answered {undocumented(said, token)}", permanent=True))
    unlike = _MOVED if 300 <= answer.status < HTTPStatus.BAD_REQUEST else _NOT_SLACK
    error = f"the receiver answered {status_phrase(answer.status)}{unlike}"
    return Undone(Delivery(sent=False, error=error, channel_fault=by_status.channel_fault))


def refusal(code: str, retry_after: float | None = None) -> Delivery:
    """Return the failure that a code stands for."""
    error = f"Slack answered {code}"
    if code in PASSES:
        return Delivery(sent=False, error=error, retry_after=retry_after)
    if code in MENDABLE:
        return Delivery(sent=False, error=f"{error}: {MENDABLE[code]}", retry_after=retry_after, channel_fault=True)
    why = f": {FOR_GOOD[code]}" if code in FOR_GOOD else ""
    return Delivery(sent=False, error=f"{error}{why}", permanent=True)


def known_code(said: object) -> str:
    """Return Slack's error code, such as `invalid_payload`; empty if it is none that Slack documents."""
    code = said.strip() if isinstance(said, str) else ""
    return code if code in KNOWN else ""


def _fields(body: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
