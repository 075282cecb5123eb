"""Channel layers from the environment, and Redis over TLS with a certificate that nobody has signed."""

import asyncio
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import IsolatedAsyncioTestCase, TestCase

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils.module_loading import import_string
from redis import ConnectionError, Redis

from config.layers import channel_layers, redis_hosts
from tests.proxy import Proxy
from tests.server import private_redis


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
@pytest.mark.logs_errors  # asyncio, of the handshake that the client breaks off
class TlsTests(IsolatedAsyncioTestCase):
    async def test_a_self_signed_server_is_refused_unless_told_otherwise(self):
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*make_certificate(directory))
        with private_redis() as redis:  # of a wheel it knows no TLS, so that stands in front, as at many a host
            async with Proxy(redis.url, tls) as network:
                url = network.url.replace("http", "rediss", 1)
                for verify, works in (("on", False), ("off", True)):
                    for name, layer in channel_layers({"REDIS_URL": url, "REDIS_TLS_VERIFY": verify}).items():
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
            except ConnectionError as error:
                self.assertFalse(works, error)
                self.assertIn("CERTIFICATE_VERIFY_FAILED", str(error))
            if works:
                await made.flush()


@pytest.mark.services
class ShardTests(IsolatedAsyncioTestCase):
    async def test_groups_are_spread_over_several_servers_and_all_are_heard(self):
        with private_redis() as one, private_redis() as two:
            layer = channel_layers({"REDIS_URL": f"{one.url},{two.url}"})["default"]
            made = import_string(layer["BACKEND"])(**layer["CONFIG"])
            channel = await made.new_channel()
            groups = [f"chat.room.{number}" for number in range(20)]
            async with asyncio.timeout(20):
                for group in groups:
                    await made.group_add(group, channel)
                for group in groups:
                    await made.group_send(group, {"type": "hello", "group": group})
                heard = [(await made.receive(channel))["group"] for _ in groups]
            self.assertEqual(set(heard), set(groups))
            for server in (one, two):
                with Redis.from_url(server.url) as client:
                    self.assertGreater(len(client.pubsub_channels("*chat.room*")), 0, "each has some")
            await made.flush()
