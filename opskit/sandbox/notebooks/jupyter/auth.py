"""How a notebook is entered: a presigned URL's token once, then a cookie for the length of the session.

This stands in for AWS's own sign-in in front of a notebook. Everything behind it is Jupyter's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from jupyter_server.auth import IdentityProvider, User
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.serverapp import ServerApp
from tornado import web

from opskit.sandbox.notebooks.jupyter.presigned_tokens import PresignedTokens

_SIGN_IN = "<!doctype html><title>Sign in</title><p>Open this notebook with a new presigned URL.</p>"


@dataclass
class SessionUser(User):
    """Somebody who opened a presigned URL; ``until`` is the end of the session in epoch seconds."""

    until: float = 0.0


class SignInPage(JupyterHandler):
    """In the place of the AWS console's sign-in page, where a visitor without a session is sent."""

    @allow_unauthenticated
    def get(self) -> None:
        self.finish(_SIGN_IN)


class SessionIdentityProvider(IdentityProvider):
    """Jupyter's question "who is this?", answered from the session cookie alone: no Jupyter token, no password."""

    tokens: PresignedTokens
    login_handler_class = SignInPage

    def _token_default(self) -> str:
        # No token of Jupyter's own: the session's cookie alone counts.
        return ""

    def get_cookie_name(self, handler: web.RequestHandler) -> str:
        """A name with the port: cookies of 127.0.0.1 are sent to every port of it."""
        return f"authToken-{handler.request.host.rpartition(':')[2]}"

    def open_session(self, handler: web.RequestHandler, token: str) -> bool:
        """Redeem ``token`` and set the session's cookie; False where it is not valid."""
        presigned = self.tokens.redeem_token(token, now := datetime.now(UTC))
        if presigned is None:
            return False
        until = (now + timedelta(seconds=presigned.session_seconds)).timestamp()
        self.set_login_cookie(handler, SessionUser(presigned.token_id, "ec2-user", "ec2-user", until=until))
        return True

    def user_to_cookie(self, user: User) -> str:
        assert isinstance(user, SessionUser)
        return json.dumps([user.username, user.until])

    def user_from_cookie(self, cookie_value: str) -> User | None:
        number, until = json.loads(cookie_value)
        if datetime.now(UTC).timestamp() > until:
            return None
        return SessionUser(number, "ec2-user", "ec2-user", until=until)

    def process_login_form(self, handler: web.RequestHandler) -> User | None:
        return None


class RootHandler(JupyterHandler):
    """The front page: lets in who has a valid token, sends the one without a session to sign in."""

    @allow_unauthenticated
    def get(self, *path: str) -> None:
        token = self.get_query_argument("authToken", None)
        if token is not None:
            identity_provider: Any = self.identity_provider
            opened = identity_provider.open_session(self, token)
            self.redirect(self.base_url if opened else self.settings["login_url"])
        elif self.current_user is None:
            self.redirect(self.settings["login_url"])
        else:
            self.xsrf_token  # noqa: B018 - reading it sets the _xsrf cookie that POST requests need
            page: Any = self.render_template
            self.write(page("main.html"))


def install_auth(app: ServerApp, tokens: PresignedTokens) -> None:
    """Put the sign-in in front of an initialized server."""
    identity_provider, web_app = cast(Any, app.identity_provider), cast(Any, app.web_app)
    identity_provider.tokens = tokens
    web_app.add_handlers(".*$", [(r"/(?:tree|lab)?(?:/.*)?", RootHandler)])
