"""A registry client: registers an instance, sends heartbeats, and shuts down in order. Copy the class into your service.

Python 3.9 and newer, without packages:
SERVICE=orders INSTANCE_ID=orders-1 ADDRESS=10.0.3.17 PORT=8080 python3 client.py
"""

import http.client
import json
import os
import random
import signal
import threading
import time
import urllib.parse
import uuid

REQUEST_TIMEOUT_S = 5
FIRST_RETRY_S = 0.2
LONGEST_RETRY_AFTER_S = 60
# How long the client tries to deregister. If that fails, the lease ends automatically.
DEREGISTER_WITHIN_S = 15


class RegistryClient:
    def __init__(self, registry_url, registration, say):
        self.registry_url = urllib.parse.urlsplit(registry_url)
        self.registration = registration
        self.say = say
        # Distinguishes this process from the previous one with the same instanceId, and from the next one.
        self.incarnation = str(uuid.uuid4())
        names = [urllib.parse.quote(registration[key], safe="") for key in ("service", "instanceId")]
        self.path = "/api/v1/registry/services/{}/instances/{}".format(*names)
        self.query = "?incarnation=" + self.incarnation
        self.ending = threading.Event()
        self.life = threading.Thread(target=self._live, daemon=True)
        self.is_ending = False
        self.is_replaced = False
        # A registration got no response, and may still reach the registry.
        self.is_doubtful = False
        self.retry_s = FIRST_RETRY_S

    def begin(self):
        """Registers, and sends heartbeats until `end`. It never raises: failed calls are repeated."""
        self.life.start()

    def end(self, drain_s):
        """Call this when the process gets a signal to end, before it stops its work."""
        self.is_ending = True
        # 1. Discovery stops returning the instance. Heartbeats continue: it still serves callers that have not noticed.
        if not self.is_replaced:
            stopping = {"status": "stopping", "reason": "the process ends"}
            self._send("PUT", self.path + "/override" + self.query, stopping)
        time.sleep(drain_s)
        # 2. Stop the heartbeats and wait for the one in flight. It could otherwise arrive after the DELETE, get 404, and this
        #    process would register again.
        self.ending.set()
        self.life.join()
        # 3. Only now deregister.
        if not self.is_replaced:
            self._deregister()

    def _live(self):
        interval_s = self.registration["check"]["ttlSeconds"] / 3
        is_registered = False
        while not self.ending.is_set():
            # Do not register again during the shutdown.
            if self.is_ending and not is_registered:
                return
            was_registered = is_registered
            if was_registered:
                status, code, retry_after_s = self._send("PUT", self.path + "/heartbeat" + self.query)
            else:
                body = {**self.registration, "incarnation": self.incarnation}
                status, code, retry_after_s = self._send("POST", "/api/v1/registry/instances", body)
            is_done = 200 <= status < 300
            self.is_doubtful = not is_done and (self.is_doubtful or (not was_registered and status == 0))
            if is_done:
                if not was_registered:
                    self.say("registered as " + self.registration["instanceId"])
                is_registered = True
                self.retry_s = FIRST_RETRY_S
                # With jitter, and at least three times in each lease.
                self.ending.wait(interval_s * random.uniform(0.8, 1))
            elif status == 409 and code == "INCARNATION_ENDED":
                self.is_replaced = True
                instance_id = self.registration["instanceId"]
                self.say("another process has taken the instanceId {}: no more heartbeats".format(instance_id))
                return
            elif was_registered and status == 404:
                # The registry does not know this instance: its lease has ended, or an operator has removed it.
                self.say("not registered any more")
                is_registered = False
            else:
                # The registry is unavailable or busy. The registration stays valid until its lease ends.
                what = "heartbeat" if was_registered else "registration"
                self.say("{}: {}; trying again".format(what, describe(status, code)))
                self.ending.wait(self._next_retry(retry_after_s, interval_s))

    def _deregister(self):
        give_up_at = time.monotonic() + DEREGISTER_WITHIN_S
        self.retry_s = FIRST_RETRY_S
        while True:
            status, code, retry_after_s = self._send("DELETE", self.path + self.query)
            if status == 204:
                return self.say("deregistered")
            if status == 409 or (status == 404 and not self.is_doubtful):
                # Another client has removed it, or another process has taken it.
                return self.say("was not registered any more")
            retry_s = self._next_retry(retry_after_s, LONGEST_RETRY_AFTER_S)
            if time.monotonic() + retry_s > give_up_at:
                return self.say("not deregistered ({}): the lease will end by itself".format(describe(status, code)))
            time.sleep(retry_s)

    def _next_retry(self, retry_after_s, most_s):
        """Exponential backoff with jitter, and at least the Retry-After of the registry."""
        retry_s = self.retry_s * random.uniform(0.5, 1)
        self.retry_s = min(self.retry_s * 2, most_s)
        return max(retry_s, retry_after_s)

    def _send(self, method, path, body=None):
        """Returns the status (0 without a response), the code of the error, and the Retry-After of the registry."""
        is_https = self.registry_url.scheme == "https"
        connect = http.client.HTTPSConnection if is_https else http.client.HTTPConnection
        connection = connect(self.registry_url.hostname, self.registry_url.port, timeout=REQUEST_TIMEOUT_S)
        try:
            text = None if body is None else json.dumps(body)
            headers = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, self.registry_url.path.rstrip("/") + path, text, headers)
            response = connection.getresponse()
            return response.status, code_of(response.read()), retry_after_of(response)
        except (OSError, http.client.HTTPException):
            return 0, None, 0
        finally:
            connection.close()


def code_of(text):
    try:
        return json.loads(text).get("code")
    except (ValueError, AttributeError):
        return None


def retry_after_of(response):
    try:
        return min(max(float(response.headers.get("Retry-After", 0)), 0), LONGEST_RETRY_AFTER_S)
    except ValueError:
        return 0


def describe(status, code):
    return "no response" if status == 0 else "{} {}".format(status, code or "").strip()


def main():
    env = os.environ
    client = RegistryClient(
        env.get("REGISTRY_URL", "http://127.0.0.1:8081"),
        {
            "service": env.get("SERVICE", "orders"),
            "instanceId": env.get("INSTANCE_ID", "orders-1"),
            "host": env.get("ADDRESS", "127.0.0.1"),
            "port": int(env.get("PORT", "8080")),
            "check": {"kind": "heartbeat", "ttlSeconds": int(env.get("TTL_SECONDS", "30"))},
        },
        lambda line: print(line, flush=True),
    )
    terminated = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: terminated.set())
    client.begin()
    # A real service would serve requests here.
    terminated.wait()
    client.end(float(env.get("DRAIN_SECONDS", "5")))


if __name__ == "__main__":
    main()
