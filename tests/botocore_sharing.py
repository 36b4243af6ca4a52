"""Lets the sessions and clients of a process share what botocore makes anew for each of them, nine tenths of what
a client costs: service models, the classes made of them, the handlers that every session begins with. None of it
depends on credentials, Regions or settings, and no test changes it.
"""

from __future__ import annotations

import copy
import functools
import inspect
from typing import Any

import botocore.client
import botocore.compat
import botocore.handlers
import botocore.hooks
import botocore.loaders
import botocore.session
import pytest

_make_class = botocore.client.ClientCreator._create_client_class
_load_model = botocore.client.ClientCreator._load_service_model
_register_handlers = botocore.session.Session._register_builtin_handlers
_find_alias = botocore.hooks.EventAliaser._alias_event_name

_MODELS: dict[tuple[Any, str, str | None], Any] = {}
_CLASSES: dict[tuple[Any, str, str], Any] = {}
_HANDLERS: dict[int, Any] = {}
_SIGNATURES: dict[Any, Any] = {}
_ALIASES: dict[str, str] = {}


def share_botocore(patched: pytest.MonkeyPatch) -> None:
    """Share all that for as long as the patches last."""
    patched.setattr("botocore.session.create_loader", functools.cache(botocore.loaders.create_loader))
    patched.setattr(botocore.client.ClientCreator, "_load_service_model", _shared_model)
    patched.setattr(botocore.client.ClientCreator, "_create_client_class", _shared_class)
    patched.setattr(botocore.session.Session, "_register_builtin_handlers", _shared_handlers)
    patched.setattr(botocore.hooks.NodeList, "__copy__", _copy_nodes)
    patched.setattr(botocore.hooks._PrefixTrie, "_recursive_copy", _copy_trie)
    patched.setattr("botocore.hooks.accepts_kwargs", _shared_signature)
    patched.setattr(botocore.hooks.EventAliaser, "_alias_event_name", _shared_alias)


def _shared_model(creator: Any, service_name: str, api_version: str | None = None) -> Any:
    key = (creator._loader, service_name, api_version)
    if key not in _MODELS:
        _MODELS[key] = _load_model(creator, service_name, api_version)
    return _MODELS[key]


def _shared_class(creator: Any, service_name: str, service_model: Any) -> Any:
    if service_name == "s3":  # boto3's sessions add methods of their own
        return _make_class(creator, service_name, service_model)
    key = (creator._loader, service_name, service_model.api_version)
    if key not in _CLASSES:
        _CLASSES[key] = _make_class(creator, service_name, service_model)
    return _CLASSES[key]


def _shared_handlers(session: Any, events: Any) -> None:
    """A copy of the first session's: the same for all, but where somebody (moto does) has added to the list."""
    listed = len(botocore.handlers.BUILTIN_HANDLERS)
    if listed not in _HANDLERS:
        _register_handlers(session, events)
        _HANDLERS[listed] = copy.copy(events._emitter)
    else:
        events._emitter.__dict__.update(copy.copy(_HANDLERS[listed]).__dict__)


def _copy_nodes(nodes: Any) -> Any:
    """As botocore's own, without asking of each list what copies it."""
    return botocore.hooks.NodeList(nodes.first[:], nodes.middle[:], nodes.last[:])


def _copy_trie(trie: Any, node: dict[str, Any]) -> dict[str, Any]:
    """As botocore's own, likewise."""
    copied: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, botocore.hooks.NodeList):
            copied[key] = _copy_nodes(value)
        else:
            copied[key] = _copy_trie(trie, value) if isinstance(value, dict) else value
    return copied


def _shared_signature(hook: Any) -> Any:
    key = getattr(hook, "__func__", hook)
    if not inspect.isfunction(key) or not key.__module__.startswith(("botocore.", "boto3.")):
        return botocore.compat.accepts_kwargs(hook)
    if key.__code__ not in _SIGNATURES:
        _SIGNATURES[key.__code__] = botocore.compat.accepts_kwargs(hook)
    return _SIGNATURES[key.__code__]


def _shared_alias(aliaser: Any, event_name: str) -> str:
    if event_name not in _ALIASES:
        _ALIASES[event_name] = _find_alias(aliaser, event_name)
    return _ALIASES[event_name]
