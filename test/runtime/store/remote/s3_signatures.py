#!/usr/bin/env python3
"""Holds the signatures that libcurl makes for our requests to those of botocore, at the same second.

    s3_signatures.py REMOTE_CALL

A small server records what RemoteCall sends under awkward prefixes: spaces, plus signs, letters of other scripts, what
a query is made of, and lists whose pages go on by awkward tokens. From the key, the parameters and the body alone
botocore then writes path, query and signature; each must be the one that was sent.
"""

import hashlib
import http.server
import subprocess
import sys
import threading
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

KEY, SECRET, TOKEN, BUCKET, REGION = "AKIDEXAMPLE", "s3cret/with+signs=", "tok+en/==", "kernels", "eu-west-1"
PREFIXES = ["attn-jit", "a b", "a+b", "a~b-c_d.e", "caf\u00e9/\u4e2d\u6587/\U0001f600", "x=1&y=2", "100%", "%41", "(a)'b'!*",
            "a:b@c,d;e$f", 'q"<>\\^`{|}', "a?b#c", "..a/b..", ""]
CALLS = ["put:body", "put-action:key:text", "put:", "get:body", "get-action:key", "exists:body", "epoch", "add:problem:line",
         "records:problem", "problems"]
PAGES = {None: "a+b/c==", "a+b/c==": "caf\u00e9 &=%41", "caf\u00e9 &=%41": None}


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    captured = []

    def reply(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.captured.append((self.command, self.path, self.headers, body))
        answer = b"0" * 32 if self.path.endswith("/epoch") else b""
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query, strict_parsing=bool("?" in self.path))
        if query:
            following = PAGES[query.get("continuation-token", [None])[0]]
            xml = "<IsTruncated>false</IsTruncated>"
            if following:
                token = following.replace("&", "&amp;")
                xml = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
            else:
                prefix = query["prefix"][0] if "prefix" in query else ""
                escaped = prefix.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
                xml += f"<Contents><Key>{escaped}epoch</Key><Size>32</Size></Contents>"
            answer = f"<ListBucketResult>{xml}</ListBucketResult>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_PUT = reply

    def log_message(self, *_):
        pass


def check(request, port, token):
    """What is wrong with a request's signature; empty: nothing."""
    command, sent, headers, body = request
    parts = urllib.parse.urlsplit(sent)
    key = urllib.parse.unquote(parts.path)
    parameters = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
    digest = hashlib.sha256(body).hexdigest()
    fields = dict(each.split("=", 1) for each in headers["Authorization"].split(" ", 1)[1].split(", "))
    signed = fields["SignedHeaders"].split(";")
    needed = {"host", "x-amz-date", "x-amz-content-sha256"} | ({"x-amz-security-token"} if token else set())
    if not needed <= set(signed):
        return f"signed are {signed}, not all of {sorted(needed)}"
    if headers["x-amz-content-sha256"] != digest:
        return "the hash is not that of the body"
    path = urllib.parse.quote(key, safe="/~")
    if path != parts.path:
        return f"the path {parts.path} is not {path}"
    asked = botocore.awsrequest.AWSRequest(
        method=command, url=f"http://127.0.0.1:{port}{path}", params=parameters, data=body,
        headers={name: headers[name] for name in signed})
    asked.context["timestamp"] = headers["x-amz-date"]
    auth = botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(KEY, SECRET, token), "s3", REGION)
    canonical = auth.canonical_request(asked)
    if canonical.split("\n")[2] != parts.query:
        return f"the query {parts.query} is not {canonical.splitlines()[2]}"
    signature = auth.signature(auth.string_to_sign(asked, canonical), asked)
    if fields["Credential"] != auth.scope(asked):
        return f"the scope {fields['Credential']} is not {auth.scope(asked)}"
    return "" if fields["Signature"] == signature else f"the signature {fields['Signature']} is not {signature}"


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    count = pages = 0
    for token in (None, TOKEN):
        environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "NO_PROXY": "*"}
        if token:
            environment["AWS_SESSION_TOKEN"] = token
        for prefix in PREFIXES:
            Server.captured.clear()
            done = subprocess.run(
                [sys.argv[1], f"s3+http://127.0.0.1:{port}/{BUCKET}?region={REGION}", "prefix=" + prefix, *CALLS],
                env=environment, capture_output=True, text=True, timeout=120)
            # Objects come back as other bytes: the calls' own verdicts are not this test's.
            if SECRET in done.stdout + done.stderr:
                sys.exit("the secret is shown: " + done.stdout)
            for request in Server.captured:
                count += 1
                pages += "continuation-token" in request[1]
                if wrong := check(request, port, token):
                    sys.exit(f"prefix {prefix!r}: {request[0]} {request[1]}: {wrong}")
            if len(Server.captured) < len(CALLS):
                sys.exit(f"prefix {prefix!r}: only {len(Server.captured)} requests came: {done.stdout}{done.stderr}")
    server.shutdown()
    print(f"{count} signatures are botocore's, {pages} of them of pages that go on")
    return 0 if pages else 1


if __name__ == "__main__":
    sys.exit(main())
