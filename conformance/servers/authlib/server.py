"""Authlib + Flask as a lenient foreign authorization server on loopback. ../README.md has the protocol and the clients."""

import argparse
import json
import logging
import os
import sys
import threading
import time
from dataclasses import dataclass, field

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http, on loopback only

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import (
    DEVICE_CODE_GRANT_TYPE,
    DeviceAuthorizationEndpoint,
    DeviceCodeGrant,
    DeviceCredentialMixin,
)
from flask import Flask, jsonify, request
from markupsafe import escape
from werkzeug.serving import WSGIRequestHandler, make_server

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--access-ttl", type=int, default=3600, help="0: the answer has no expires_in")
parser.add_argument("--device-ttl", type=int, default=600)
parser.add_argument("--interval", type=int, default=5, help="polling interval that the server announces")
parser.add_argument("--first-interval", type=int, help="what it really demands until its first slow_down")
parser.add_argument("--redirect-uri", action="append", default=[], help="accepted besides any /callback on loopback")
flags = parser.parse_args()
first_interval = flags.interval if flags.first_interval is None else flags.first_interval

SCOPES = ["read", "write", "spark:people_read", "spark:rooms_read"]
GRANTS = ["authorization_code", "implicit", "refresh_token", "client_credentials", DEVICE_CODE_GRANT_TYPE]


@dataclass
class Client(ClientMixin):
    client_id: str
    auth_method: str = "none"
    secret: str = ""
    grant_types: tuple = ()
    response_types: tuple = ()

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        return " ".join(word for word in (scope or "").split() if word in SCOPES)

    def check_redirect_uri(self, redirect_uri):
        loopback = redirect_uri.startswith("http://127.0.0.1:") and redirect_uri.endswith("/callback")
        return loopback or redirect_uri in flags.redirect_uri

    def check_client_secret(self, client_secret):
        return self.secret == client_secret

    def check_endpoint_auth_method(self, method, endpoint):
        return self.auth_method == method

    def check_response_type(self, response_type):
        return response_type in self.response_types

    def check_grant_type(self, grant_type):
        return grant_type in self.grant_types


@dataclass
class Code(AuthorizationCodeMixin):
    code: str
    client_id: str
    redirect_uri: str
    scope: str
    user: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope


@dataclass
class Token(TokenMixin):
    client_id: str
    user: str
    access_token: str
    refresh_token: str
    scope: str
    expires_in: int
    issued_at: float = field(default_factory=time.time)
    revoked: bool = False

    def check_client(self, client):
        return self.client_id == client.client_id

    def get_scope(self):
        return self.scope

    def get_expires_in(self):
        return self.expires_in

    def is_expired(self):
        return bool(self.expires_in) and time.time() > self.issued_at + self.expires_in

    def is_revoked(self):
        return self.revoked

    def get_user(self):
        return self.user

    def get_client(self):
        return clients[self.client_id]


@dataclass
class DeviceCredential(DeviceCredentialMixin):
    client_id: str
    scope: str
    device_code: str
    user_code: str
    expires_at: float
    not_before: float
    interval: int
    answer: tuple = None  # (user, approved) once somebody answered

    def get_client_id(self):
        return self.client_id

    def get_scope(self):
        return self.scope

    def get_user_code(self):
        return self.user_code

    def is_expired(self):
        return time.time() > self.expires_at


clients = {
    client.client_id: client
    for client in [
        Client("public", grant_types=("authorization_code", "refresh_token"), response_types=("code",)),
        # Authlib does not read `+` as a space inside Basic: this secret works raw and fails form-encoded.
        Client(
            "basic",
            "client_secret_basic",
            "test only basic",
            ("authorization_code", "refresh_token", "client_credentials"),
            ("code",),
        ),
        Client("implicit", grant_types=("implicit",), response_types=("token",)),
        Client("device", grant_types=(DEVICE_CODE_GRANT_TYPE, "refresh_token")),
    ]
}
codes: dict = {}
tokens: list = []
devices: dict = {}  # by device code


def save_token(token, request):
    tokens.append(
        Token(
            client_id=request.client.client_id,
            user=request.user or "",
            access_token=token["access_token"],
            refresh_token=token.get("refresh_token", ""),
            scope=token.get("scope", ""),
            expires_in=token.get("expires_in", 0),
        )
    )


def find_token(**wanted):
    """The newest token whose attributes are as wanted."""
    for token in reversed(tokens):
        if all(value and getattr(token, name) == value for name, value in wanted.items()):
            return token
    return None


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "none"]

    def save_authorization_code(self, code, request):
        codes[code] = Code(
            code,
            request.client.client_id,
            request.payload.redirect_uri,
            request.scope,
            request.user,
            request.payload.data.get("code_challenge"),
            request.payload.data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code, client):
        found = codes.get(code)
        return found if found and found.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code):
        del codes[authorization_code.code]

    def authenticate_user(self, authorization_code):
        return authorization_code.user


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "none"]

    def authenticate_refresh_token(self, refresh_token):
        found = find_token(refresh_token=refresh_token)
        return found if found and not found.revoked else None

    def authenticate_user(self, refresh_token):
        return refresh_token.user

    def revoke_old_credential(self, refresh_token):
        """No rotation: the same refresh token goes on, and the answer does not repeat it."""


class DeviceGrant(DeviceCodeGrant):
    def query_device_credential(self, device_code):
        return devices.get(device_code)

    def query_user_grant(self, user_code):
        return find_device(user_code).answer

    def should_slow_down(self, credential):
        now = time.monotonic()
        early = now < credential.not_before
        if early:
            credential.interval += 5  # RFC 8628 section 3.5
        credential.not_before = now + credential.interval
        return early


class DeviceEndpoint(DeviceAuthorizationEndpoint):
    EXPIRES_IN = flags.device_ttl
    INTERVAL = flags.interval

    def get_verification_uri(self):
        return f"{issuer}/device"

    def save_device_credential(self, client_id, scope, data):
        devices[data["device_code"]] = DeviceCredential(
            client_id,
            scope,
            data["device_code"],
            data["user_code"],
            time.time() + flags.device_ttl,
            time.monotonic() + first_interval,
            flags.interval,
        )


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = ["client_secret_basic", "none"]

    def query_token(self, token_string, token_type_hint):
        return find_token(access_token=token_string) or find_token(refresh_token=token_string)

    def revoke_token(self, token, request):
        for other in tokens:
            if other is token or (token.refresh_token and other.refresh_token == token.refresh_token):
                other.revoked = True


class BearerValidator(BearerTokenValidator):
    def authenticate_token(self, token_string):
        return find_token(access_token=token_string)


def find_device(user_code):
    return next((found for found in devices.values() if found.user_code == user_code), None)


logging.getLogger("werkzeug").setLevel(logging.ERROR)
app = Flask(__name__)
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
app.config["OAUTH2_SCOPES_SUPPORTED"] = SCOPES
app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {
    grant: flags.access_ttl
    for grant in GRANTS
}
authorization = AuthorizationServer(app, clients.get, save_token)
authorization.register_grant(CodeGrant, [CodeChallenge(required=True)])
authorization.register_grant(grants.ImplicitGrant)
authorization.register_grant(RefreshGrant)
authorization.register_grant(grants.ClientCredentialsGrant)
authorization.register_grant(DeviceGrant)
authorization.register_endpoint(DeviceEndpoint)
authorization.register_endpoint(Revocation)
require_oauth = ResourceProtector()
require_oauth.register_token_validator(BearerValidator())

PAGE = """<!doctype html><title>{title}</title><form method="post">
<input type="text" name="user" placeholder="user name"><input type="hidden" name="user_code" value="{user_code}">
<button name="decision" value="approve">Accept</button> <button name="decision" value="deny">Decline</button></form>"""


@app.route("/authorize", methods=["GET", "POST"])
def authorize():
    try:
        grant = authorization.get_consent_grant(end_user=None)
    except OAuth2Error as problem:
        return authorization.handle_error_response(request, problem)
    if request.method == "GET":
        return PAGE.format(title="Authorize", user_code="")
    user = request.form["user"] if request.form.get("decision") == "approve" else None
    return authorization.create_authorization_response(grant_user=user, grant=grant)


@app.post("/token")
def issue():
    return authorization.create_token_response()


@app.post("/revoke")
def revoke():
    return authorization.create_endpoint_response(Revocation.ENDPOINT_NAME)


@app.post("/device_authorization")
def device_authorization():
    return authorization.create_endpoint_response(DeviceEndpoint.ENDPOINT_NAME)


@app.get("/device")
def ask_device():
    user_code = request.args.get("user_code", "")
    if not find_device(user_code):
        return "unknown user code", 404
    return PAGE.format(title="Connect a device", user_code=escape(user_code))


@app.post("/device")
def answer_device():
    found = find_device(request.form["user_code"])
    if not found:
        return "unknown user code", 404
    found.answer = (request.form["user"], request.form.get("decision") == "approve")
    return "<!doctype html><title>Done</title>You may return to your device."


@app.get("/api/me")
@require_oauth()
def me():
    return jsonify(user=current_token.user or None, client_id=current_token.client_id, scope=current_token.scope)


@app.get("/.well-known/oauth-authorization-server")
def metadata():
    return jsonify(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/authorize",
        token_endpoint=f"{issuer}/token",
        device_authorization_endpoint=f"{issuer}/device_authorization",
        revocation_endpoint=f"{issuer}/revoke",
        response_types_supported=["code", "token"],
        grant_types_supported=GRANTS,
        token_endpoint_auth_methods_supported=["client_secret_basic", "none"],
        code_challenge_methods_supported=["S256", "plain"],
        scopes_supported=SCOPES,
    )


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"


server = make_server("127.0.0.1", flags.port, app, request_handler=Handler, threaded=True)
issuer = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
print(
    json.dumps(
        {
            "issuer": issuer,
            "port": server.server_port,
            "metadata": f"{issuer}/.well-known/oauth-authorization-server",
        }
    ),
    flush=True,
)
# Whoever started the server holds its standard input: when that closes, so does the server.
sys.stdin.buffer.read()
os._exit(0)
