"""Lets the sessions and clients of a process, and of those that are forked from it, share what botocore makes anew for
each of them, nine tenths of what a client costs: service models, the classes made of them, the handlers that every
session begins with. None of it depends on credentials, Regions or settings, and no test changes it.
"""

from __future__ import annotations

import copy
import functools
import inspect
import os
import urllib.request
from collections.abc import Callable
from typing import Any

import botocore.client
import botocore.compat
import botocore.endpoint_provider
import botocore.handlers
import botocore.hooks
import botocore.httpsession
import botocore.loaders
import botocore.regions
import botocore.session
import botocore.useragent
import botocore.utils

_make_class = botocore.client.ClientCreator._create_client_class
_load_model = botocore.client.ClientCreator._load_service_model
_load_file = botocore.loaders.JSONFileLoader.load_file
_list_services = botocore.loaders.Loader.list_available_services
_register_handlers = botocore.session.Session._register_builtin_handlers
_remove = botocore.hooks._PrefixTrie.remove_item
_read_proxies = urllib.request.getproxies_environment
_make_context = botocore.httpsession.create_urllib3_context
_find_alias = botocore.hooks.EventAliaser._alias_event_name

_BOTOCORES_OWN = botocore.loaders.Loader.BUILTIN_DATA_PATH

_FILES: dict[str, Any] = {}
_MODELS: dict[tuple[int, str], Any] = {}
_CLASSES: dict[int, Any] = {}
_HANDLERS: dict[int, Any] = {}
_SIGNATURES: dict[Any, Any] = {}
_ALIASES: dict[str, str] = {}
_PROVIDERS: dict[int, Any] = {}


def share_botocore(patch: Callable[[Any, str, Any], None]) -> None:
    """Share all that for as long as the patches last that ``patch`` makes: ``setattr``, or a MonkeyPatch's."""
    sanitize = botocore.useragent.sanitize_user_agent_string_component
    patch(botocore.loaders.JSONFileLoader, "load_file", _shared_file)
    patch(botocore.loaders.Loader, "list_available_services", _shared_services)
    patch(botocore.session, "create_loader", functools.cache(botocore.loaders.create_loader))
    patch(botocore.client.ClientCreator, "_load_service_model", _shared_model)
    patch(botocore.client.ClientCreator, "_create_client_class", _shared_class)
    patch(botocore.session.Session, "_register_builtin_handlers", _shared_handlers)
    patch(botocore.hooks._PrefixTrie, "__copy__", _share_nodes)
    patch(botocore.hooks._PrefixTrie, "append_item", _append_item)
    patch(botocore.hooks._PrefixTrie, "remove_item", _remove_item)
    patch(botocore.hooks, "accepts_kwargs", _shared_signature)
    patch(botocore.hooks.EventAliaser, "_alias_event_name", _shared_alias)
    patch(botocore.regions, "EndpointProvider", _shared_provider)
    patch(botocore.httpsession, "create_urllib3_context", _shared_context)
    patch(botocore.useragent, "sanitize_user_agent_string_component", functools.cache(sanitize))
    patch(urllib.request, "getproxies_environment", _find_proxies)
    patch(botocore.utils, "getproxies", _find_proxies)


def _shared_file(files: Any, file_path: str) -> Any:
    """What is in a file of botocore's own, for each loader: one looks in folders of a user's as well."""
    if not file_path.startswith(_BOTOCORES_OWN):
        return _load_file(files, file_path)
    if file_path not in _FILES:
        _FILES[file_path] = _load_file(files, file_path)
    return _FILES[file_path]


def _shared_services(loader: Any, type_name: str) -> list[str]:
    """As botocore's own, which looks through its four hundred folders for each loader."""
    elsewhere = [path for path in loader.search_paths if path != _BOTOCORES_OWN]
    if len(elsewhere) == len(loader.search_paths):
        return list(_list_services(loader, type_name))
    others = botocore.loaders.Loader(elsewhere, include_default_search_paths=False)
    return sorted({*_own_services(type_name), *_list_services(others, type_name)})


@functools.cache
def _own_services(type_name: str) -> list[str]:
    own = botocore.loaders.Loader([_BOTOCORES_OWN], include_default_search_paths=False)
    return list(_list_services(own, type_name))


def _shared_model(creator: Any, service_name: str, api_version: str | None = None) -> Any:
    described = creator._loader.load_service_model(service_name, "service-2", api_version=api_version)
    key = (id(described), service_name)
    if key not in _MODELS:
        _MODELS[key] = _load_model(creator, service_name, api_version)  # keeps what it is made of
    return _MODELS[key]


def _shared_class(creator: Any, service_name: str, service_model: Any) -> Any:
    if service_name == "s3":  # boto3's sessions add methods of their own
        return _make_class(creator, service_name, service_model)
    if id(service_model) not in _CLASSES:
        _CLASSES[id(service_model)] = (service_model, _make_class(creator, service_name, service_model))
    return _CLASSES[id(service_model)][1]


def _shared_provider(ruleset_data: Any, **more: Any) -> Any:
    """What finds the endpoints of a service. The loader has each service's rules once, as long as it is there."""
    if id(ruleset_data) not in _PROVIDERS:
        made = botocore.endpoint_provider.EndpointProvider(ruleset_data=ruleset_data, **more)
        _PROVIDERS[id(ruleset_data)] = (ruleset_data, made)  # with the rules, so that no others get their id
    return _PROVIDERS[id(ruleset_data)][1]


def _shared_handlers(session: Any, events: Any) -> None:
    """A copy of the first session's: the same for all, but where somebody (moto does) has added to the list."""
    listed = len(botocore.handlers.BUILTIN_HANDLERS)
    if listed not in _HANDLERS:
        _register_handlers(session, events)
        _HANDLERS[listed] = copy.copy(events._emitter)
    else:
        events._emitter.__dict__.update(copy.copy(_HANDLERS[listed]).__dict__)


def _share_nodes(trie: Any) -> Any:
    """A copy of what is registered, which has the same nodes. Each of the two makes a node its own before it changes
    it: botocore copies all four hundred for every session and every client, and a client changes a dozen.
    """
    copied = botocore.hooks._PrefixTrie.__new__(botocore.hooks._PrefixTrie)
    copied._root, copied._owner, trie._owner = trie._root, object(), object()
    return copied


def _append_item(trie: Any, key: str, value: Any, section: int = 1) -> None:
    """As botocore's own, to a node of this trie's own."""
    node = _own_nodes(trie, key, is_new=True)
    node["values"] = node["values"] or botocore.hooks.NodeList([], [], [])
    node["values"][section].append(value)


def _remove_item(trie: Any, key: str, value: Any) -> None:
    """As botocore's own, likewise."""
    _own_nodes(trie, key, is_new=False)
    _remove(trie, key, value)


def _own_nodes(trie: Any, key: str, *, is_new: bool) -> dict[str, Any]:
    """The last node on the way to a key, all of which belong to this trie alone from now on; what is not there is made
    if ``is_new``.
    """
    owner = trie.__dict__.setdefault("_owner", object())
    node = trie._root = _own_node(trie._root, owner)
    for part in key.split("."):
        below = node["children"].get(part)
        if below is None:
            if not is_new:
                return node
            below = {"chunk": part, "children": {}, "values": None}
        node["children"][part] = node = _own_node(below, owner)
    return node


def _own_node(node: dict[str, Any], owner: object) -> dict[str, Any]:
    if node.get("owner") is owner:
        return node
    values = node["values"] and botocore.hooks.NodeList(*(listed[:] for listed in node["values"]))
    return {"chunk": node["chunk"], "children": dict(node["children"]), "values": values, "owner": owner}


def _shared_signature(hook: Any) -> Any:
    key = getattr(hook, "__func__", hook)
    if not inspect.isfunction(key) or not key.__module__.startswith(("botocore.", "boto3.", "opskit.")):
        return botocore.compat.accepts_kwargs(hook)
    if key.__code__ not in _SIGNATURES:
        _SIGNATURES[key.__code__] = botocore.compat.accepts_kwargs(hook)
    return _SIGNATURES[key.__code__]


def _shared_alias(aliaser: Any, event_name: str) -> str:
    if event_name not in _ALIASES:
        _ALIASES[event_name] = _find_alias(aliaser, event_name)
    return _ALIASES[event_name]


@functools.cache
def _unused_context() -> Any:
    return _make_context()


def _shared_context(*how: Any, **more: Any) -> Any:
    """What TLS needs. A small AWS is asked without: so nobody uses it, and one does for all."""
    if os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://127.0.0.1:"):
        return _unused_context()
    return _make_context(*how, **more)


def _find_proxies() -> dict[str, str]:
    """As Python's own, which decodes the whole environment four times for each client to find none."""
    is_any = any(name[-6:].lower() == b"_proxy" for name in os.environ._data)  # type: ignore[attr-defined]
    return _read_proxies() if is_any else {}
