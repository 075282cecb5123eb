"""Channel layers from the environment, and Redis over TLS with a certificate that nobody has signed."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import IsolatedAsyncioTestCase, SkipTest, TestCase

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils.module_loading import import_string

from config.layers import channel_layers, redis_hosts
from realtime.backing import Missing, RedisServer


class EnvironmentTests(TestCase):
    def test_without_redis_there_is_one_layer_in_memory(self):
        self.assertEqual(list(channel_layers({})), ["default"])

    def test_hints_and_jobs_have_timeouts_of_their_own(self):
        layers = channel_layers({"REDIS_URL": "redis://one"})
        timeouts = {name: layer["CONFIG"]["hosts"][0]["socket_timeout"] for name, layer in layers.items()}
        self.assertEqual(timeouts, {"default": 5, "jobs": 15})

    def test_several_servers_share_the_groups(self):
        hosts = redis_hosts({"REDIS_URL": "redis://one, redis://two"})
        self.assertEqual([host["address"] for host in hosts], ["redis://one", "redis://two"])

    def test_sentinels_are_asked_for_the_master(self):
        (host,) = redis_hosts({"REDIS_SENTINELS": "a:26379,b:26380", "REDIS_MASTER": "chat", "REDIS_URL": "redis://unused"})
        self.assertEqual(host, {"sentinels": [("a", 26379), ("b", 26380)], "master_name": "chat"})

    def test_certificates_are_checked_unless_it_is_said_in_so_many_words(self):
        self.assertEqual(redis_hosts({"REDIS_URL": "rediss://one"}), [{"address": "rediss://one"}])
        (host,) = redis_hosts({"REDIS_URL": "rediss://one", "REDIS_TLS_VERIFY": "off"})
        self.assertIsNone(host["ssl_cert_reqs"])
        self.assertEqual(redis_hosts({"REDIS_URL": "redis://one", "REDIS_TLS_VERIFY": "off"}), [{"address": "redis://one"}])


class TlsRedisServer(RedisServer):
    """Redis as Heroku has it: TLS only, self-signed."""

    def command(self):
        certificate, key = make_certificate(self.directory)
        plain, tls = ["--port", "0"], ["--tls-port", str(self.port), "--tls-auth-clients", "no"]
        files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate]
        return [self.program, "--bind", self.host, *plain, *tls, *files, "--save", "", "--appendonly", "no"]

    @property
    def url(self):
        return f"rediss://{self.host}:{self.port}/0"

    def answers(self):
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1, ssl_cert_reqs=None) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def make_certificate(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis.invalid")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    files = directory / "redis.crt", directory / "redis.key"
    files[0].write_bytes(certificate.public_bytes(encoding))
    files[1].write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain))
    return files


@pytest.mark.services
class TlsTests(IsolatedAsyncioTestCase):
    async def test_a_self_signed_server_is_refused_unless_told_otherwise(self):
        try:
            server = TlsRedisServer()
        except Missing as missing:
            raise SkipTest(str(missing)) from None
        with server:
            for verify, works in (("on", False), ("off", True)):
                layers = channel_layers({"REDIS_URL": server.url, "REDIS_TLS_VERIFY": verify})
                for name, layer in layers.items():
                    with self.subTest(verify=verify, layer=name):
                        await self.send_and_receive(layer, works)

    async def send_and_receive(self, layer, works):
        made = import_string(layer["BACKEND"])(**layer["CONFIG"])
        async with asyncio.timeout(10):
            try:
                channel = await made.new_channel()
                await made.send(channel, {"type": "hello"})
                self.assertEqual((await made.receive(channel))["type"], "hello")
                self.assertTrue(works)
            except redis.ConnectionError as error:
                self.assertFalse(works, error)
                self.assertIn("CERTIFICATE_VERIFY_FAILED", str(error))
            finally:
                await made.close_pools() if hasattr(made, "close_pools") else await made.flush() if works else None
