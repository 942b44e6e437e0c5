"""Opens the records of the vectors with jwcrypto and joserfc, and derives each user's key with Python's own HMAC."""

import base64
import hashlib
import hmac
import json
import sys

from joserfc import jwe as joserfc_jwe
from joserfc.jwk import OctKey
from joserfc.registry import HeaderParameter
from jwcrypto import jwe as jwcrypto_jwe
from jwcrypto import jwk as jwcrypto_jwk


def content_key(master, tenant, user):
    """HKDF-SHA256 without salt, by the two lines of RFC 5869 section 2."""
    info = b"webex-oauth sealed 1"
    for name in (tenant.encode(), user.encode()):
        info += len(name).to_bytes(8, "big") + name
    pseudorandom = hmac.digest(bytes(32), master, hashlib.sha256)
    return hmac.digest(pseudorandom, info + b"\x01", hashlib.sha256)


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_jwcrypto(record, key):
    token = jwcrypto_jwe.JWE()
    token.deserialize(record, jwcrypto_jwk.JWK(kty="oct", k=unpadded(key)))
    return token.payload.decode(), json.loads(token.objects["protected"])


def by_joserfc(record, key):
    registry = joserfc_jwe.JWERegistry(header_registry={"rev": HeaderParameter("revision", "int")})
    token = joserfc_jwe.decrypt_compact(record, OctKey.import_key(key), registry=registry)
    return token.plaintext.decode(), token.protected


def main(path):
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    passed = failed = 0
    for group in vectors["groups"]:
        for test in group["tests"]:
            asked = test["input"].get("seal")
            if asked is None or "value" not in test["expect"]:
                continue
            first = asked["keys"].split()[0]
            key_id, encoded = first.split(":")
            key = content_key(base64.urlsafe_b64decode(encoded + "="), asked["tenant"], asked["user"])
            wanted = {"alg": "dir", "enc": "A256GCM", "kid": key_id, "typ": "webex-oauth"}
            wanted["rev"] = json.loads(asked["snapshot"])["revision"]
            for library, opened in (("jwcrypto", by_jwcrypto), ("joserfc", by_joserfc)):
                text, header = opened(test["expect"]["value"], key)
                if (text, header) == (asked["snapshot"], wanted):
                    passed += 1
                else:
                    failed += 1
                    print(f"{library}: {test['id']}: {header} {text}")
                try:
                    opened(test["expect"]["value"], bytes(31) + b"1")
                except Exception:
                    passed += 1
                else:
                    failed += 1
                    print(f"{library}: {test['id']}: another key opens it")
    print(f"{passed} passed, {failed} failed")
    return failed or not passed


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1])))
