"""A command beside a server that answers 500 to the first FAULTS attempts to make its marker.

    marker_faults.py FAULTS COMMAND...      {port} in COMMAND is the server's

Prints how often it was asked to make it.
"""

import http.server
import subprocess
import sys
import threading


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    marker, attempts = None, 0

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, self.marker) if self.marker else self.answer(404)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Server.attempts += 1
        if Server.attempts <= int(sys.argv[1]):
            return self.answer(500)
        Server.marker = body
        self.answer(200)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
command = [word.replace("{port}", str(server.server_port)) for word in sys.argv[2:]]
code = subprocess.run(command).returncode
print(Server.attempts, "attempts", flush=True)
sys.exit(code)
