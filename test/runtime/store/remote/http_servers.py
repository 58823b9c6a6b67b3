#!/usr/bin/env python3
"""Starts nginx, an S3 server (moto) or servers that behave badly on free ports of the loopback, runs a command against
them, and stops them by pid.

    http_servers.py [--nginx json|html|none] [--user U:P | --bearer T] [--tls] [--moto VENV] [--hostile] -- COMMAND...

In COMMAND `{port}` is the port of nginx; `{folder}` its folder, with ca.pem, client.pem and client.key for TLS and with
access.log, where each request is a line with the number of its connection; `{s3}` the port of
moto, `{bucket}` a bucket there, `{id}` and `{secret}` a key that may use it; `{empty}` is a command that takes
everything from the server. With --hostile, `{NAME}` is the port of a server that does what servers.py says of NAME, or

  redirect   to a server that would answer        short    promises fewer bytes than come
  status401, status403, status404                 headers  sends headers without end
  interim    sends 100 Continue without end       old      answers as HTTP/0.9 does

Exit code: that of COMMAND; 124 after --limit seconds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import servers

BEHAVIOURS = servers.BEHAVIOURS + (
    "redirect", "short", "status401", "status403", "status404", "headers", "interim", "old")

NGINX = """
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 256; }}
http {{
  log_format connections "$connection";
  access_log {folder}/access.log connections;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/temp;
  fastcgi_temp_path {folder}/temp;
  uwsgi_temp_path {folder}/temp;
  scgi_temp_path {folder}/temp;
  client_max_body_size 64m;
  server {{
    listen 127.0.0.1:{port}{ssl};
    root {folder}/root;
    {more}
    location / {{
      dav_methods PUT;
      create_full_put_path on;
      {listing}
    }}
  }}
}}
"""
LISTING = {"json": "autoindex on; autoindex_format json;", "html": "autoindex on;", "none": ""}


def make_certificates(folder):
    """One that signs itself for 127.0.0.1, and one that a client shows."""
    for name, extra in (("ca", ["-addext", "subjectAltName=IP:127.0.0.1"]), ("client", [])):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
             "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"] + extra,
            check=True, capture_output=True)


def start_nginx(listing, user=None, bearer=None, tls=False):
    """(Process, port, folder)."""
    folder = tempfile.mkdtemp(prefix="attn-nginx-")
    port = servers.free_port()
    os.mkdir(folder + "/root")
    more = ""
    if user:
        name, password = user.split(":", 1)
        digest = subprocess.run(["openssl", "passwd", "-apr1", password], check=True, capture_output=True, text=True)
        with open(folder + "/users", "w") as users:
            users.write(f"{name}:{digest.stdout.strip()}\n")
        more = f"auth_basic cache; auth_basic_user_file {folder}/users;"
    if bearer:
        more = f'if ($http_authorization != "Bearer {bearer}") {{ return 401; }}'
    if tls:
        make_certificates(folder)
        more += f"""ssl_certificate {folder}/ca.pem; ssl_certificate_key {folder}/ca.key;
                    ssl_client_certificate {folder}/client.pem; ssl_verify_client optional;"""
        more += 'if ($request_method = PUT) { set $needs "$ssl_client_verify"; }'
        more += 'if ($needs = NONE) { return 403; }'
    with open(folder + "/nginx.conf", "w") as conf:
        conf.write(NGINX.format(folder=folder, port=port, ssl=" ssl" if tls else "", more=more,
                                listing=LISTING[listing], user="user root;" if os.getuid() == 0 else ""))
    command = ["nginx", "-e", folder + "/error.log", "-p", folder, "-c", folder + "/nginx.conf"]
    return servers.Process(command, ("127.0.0.1", port), folder), port, folder


class Moto:
    """An S3 server that asks for signatures, one bucket, and a user with a key."""

    UNSIGNED = 3  # requests that make the user

    def __init__(self, venv):
        self.port = servers.free_port()
        environment = dict(os.environ, INITIAL_NO_AUTH_ACTION_COUNT=str(self.UNSIGNED), PYTHONWARNINGS="ignore")
        self.log = tempfile.TemporaryFile()
        command = ["env", "INITIAL_NO_AUTH_ACTION_COUNT=%d" % self.UNSIGNED, os.path.join(venv, "bin", "python"),
                   os.path.join(venv, "bin", "moto_server"), "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = servers.Process(command, ("127.0.0.1", self.port), None)
        try:
            self.make_user()
        except BaseException:
            self.process.stop()
            raise

    def call(self, **parameters):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/", urllib.parse.urlencode(dict(parameters, Version="2010-05-08")).encode(),
            {"Authorization": "AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/iam/aws4_request, "
                              "SignedHeaders=host, Signature=none"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.read().decode()

    def make_user(self):
        self.call(Action="CreateUser", UserName="attn")
        made = self.call(Action="CreateAccessKey", UserName="attn")
        self.id = made.split("<AccessKeyId>")[1].split("<")[0]
        self.secret = made.split("<SecretAccessKey>")[1].split("<")[0]
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        self.call(Action="PutUserPolicy", UserName="attn", PolicyName="all", PolicyDocument=json.dumps(policy))


def s3(port, key, secret, *arguments):
    """A request that curl signs: what is not of our code prepares the server."""
    subprocess.run(["curl", "-sSf", "-o", "/dev/null", "--noproxy", "*", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user",
                    f"{key}:{secret}", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", *arguments], check=True)


def empty_bucket(port, key, secret, bucket):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/data.json", timeout=30) as reply:
        keys = [each["name"] for each in json.load(reply).get("s3", {}).get("FakeKey", [])]
    for name in sorted(set(keys)):
        s3(port, key, secret, "-X", "DELETE", f"http://127.0.0.1:{port}/{bucket}/{urllib.parse.quote(name)}")


class Hostile(servers.Hostile):
    """What only a server of HTTP can do wrong."""

    def __init__(self, behaviour, target=0):
        self.target = target
        super().__init__("http", behaviour)

    def answer(self, client, head, body=b"no, no"):
        while self.asked(client):
            client.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (head, len(body), body))

    def good(self, client):
        self.answer(client, b"200 OK", b"x")

    def redirect(self, client):
        self.answer(client, b"302 Found\r\nLocation: http://127.0.0.1:%d/" % self.target)

    def short(self, client):
        self.asked(client)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + b"x" * 1000)

    def status401(self, client):
        self.answer(client, b'401 Unauthorized\r\nWWW-Authenticate: Basic realm="none"')

    def status403(self, client):
        self.answer(client, b"403 Forbidden")

    def status404(self, client):
        self.answer(client, b"404 Not Found", b"<Error><Code>NoSuchBucket</Code></Error>")

    def headers(self, client):
        self.asked(client)
        client.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            client.sendall(b"X-More: " + b"y" * 8000 + b"\r\n")

    def interim(self, client):
        self.asked(client)
        while True:
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def old(self, client):
        self.asked(client)
        client.sendall(b"x")


def main():
    if sys.argv[1:2] == ["empty-bucket"]:
        empty_bucket(*sys.argv[2:])
        return 0
    split = sys.argv.index("--")
    parser = argparse.ArgumentParser()
    parser.add_argument("--nginx", choices=LISTING)
    parser.add_argument("--user")
    parser.add_argument("--bearer")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--moto")
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--limit", type=float, default=300)
    flags = parser.parse_args(sys.argv[1:split])
    names, running = {}, []
    try:
        if flags.nginx:
            server, names["port"], folder = start_nginx(flags.nginx, flags.user, flags.bearer, flags.tls)
            running.append(server)
            names["folder"] = folder
            names["empty"] = f"find {folder}/root -mindepth 1 -delete"
        if flags.moto:
            server = Moto(flags.moto)
            running.append(server.process)
            names.update(s3=server.port, bucket="kernels", id=server.id,
                         secret=urllib.parse.quote(server.secret, safe=""))
            s3(server.port, server.id, server.secret, "-X", "PUT", f"http://127.0.0.1:{server.port}/kernels")
            names["empty"] = " ".join([sys.executable, os.path.abspath(__file__), "empty-bucket", str(server.port),
                                       server.id, server.secret, "kernels"])
        if flags.hostile:
            target = Hostile("good")
            names.update({each: Hostile(each, target.port).port for each in BEHAVIOURS})
            names["dead"] = servers.free_port()
        return servers.run(sys.argv[split + 1 :], names, flags.limit)
    finally:
        for each in running:
            each.stop()


if __name__ == "__main__":
    sys.exit(main())
