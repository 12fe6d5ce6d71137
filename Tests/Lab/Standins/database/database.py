"""Stand-in for a MongoDB replica set in the lab: says who it is to the lab's mongosh, and refuses a
wrong password in MongoDB's words. It stores nothing and speaks no MongoDB.

    database.py ADDRESS PORT USER PASSWORD
"""

import json
import socketserver
import sys


class Conversation(socketserver.StreamRequestHandler):
    timeout = 5

    def handle(self):
        line = self.rfile.readline(65536)
        if not line:
            return  # somebody looked whether the port is open
        hello = json.loads(line)
        if (hello.get("user"), hello.get("password")) == self.server.credentials:
            answer = {"set": "rs0", "version": "8.2.1"}
        else:
            answer = {"error": "Authentication failed."}
        self.wfile.write(json.dumps(answer).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    address, port, user, password = sys.argv[1:]
    with Server((address, int(port)), Conversation) as server:
        server.credentials = (user, password)
        server.serve_forever()
