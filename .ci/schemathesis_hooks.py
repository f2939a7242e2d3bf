"""Real people for the operations that are about one: invented ids reach nothing but 404.

Before every second request about a participant somebody listens in (WHEP) and takes the place of the invented one. He
never connects, so he goes by himself after 15 s. What was reached by each of these operations is written to the file
that STOA_REACHED names, one line each.
"""

import atexit
import collections
import json
import os
import urllib.request

import schemathesis

BASE = os.environ["STOA_BASE"]
OF_PARTICIPANT = "/v1/rooms/{room}/participants/{participant}"
HAND_OVER = "/v1/rooms/{room}/host"
# What must have happened before, so that there is something to take back or to accept.
BEFORE = {
    ("DELETE", OF_PARTICIPANT + "/hand"): ("PUT", "hand"),
    ("POST", OF_PARTICIPANT + "/hand/accept"): ("PUT", "hand"),
    ("DELETE", OF_PARTICIPANT + "/invitation"): ("POST", "invitation"),
}
OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=recvonly",
        "a=rtcp-mux",
        "a=ice-ufrag:tried",
        "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
        "a=rtpmap:111 opus/48000/2",
        "",
    ]
)

tries = collections.Counter()
reached = collections.defaultdict(collections.Counter)


def ask(method, path, token=None, body=None, kind="application/json"):
    request = urllib.request.Request(BASE + path, method=method)
    if token:
        request.add_header("authorization", f"Bearer {token}")
    if body is not None:
        request.add_header("content-type", kind)
        request.data = (body if isinstance(body, str) else json.dumps(body)).encode()
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read()


def listen_in(room, host):
    """Lets somebody new in, and says who he is in the room."""
    before = present(room, host)
    drawn = json.loads(ask("POST", f"/v1/rooms/{room}/tokens", host, {"role": "listener"}))
    ask("POST", f"/v1/rooms/{room}/whep", drawn["token"], OFFER, "application/sdp")
    return (present(room, host) - before).pop()


def present(room, host):
    people, after = set(), ""
    while True:
        path = f"/v1/rooms/{room}/participants?limit=100" + (f"&after={after}" if after else "")
        page = json.loads(ask("GET", path, host))
        people.update(one["participant"] for one in page["participants"])
        after = page.get("next")
        if not after:
            return people


def concerns_people(case):
    # Other methods than the one that is described are tried, too.
    described = case.method.lower() == case.operation.method.lower()
    return described and (case.path.startswith(OF_PARTICIPANT) or case.path == HAND_OVER)


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = (case.method.upper(), case.path)
    if not concerns_people(case):
        return
    tries[operation] += 1
    if tries[operation] % 2 == 0:
        return
    of = "HANDED_OVER_" if case.path == HAND_OVER else ""
    room, host = os.environ[f"STOA_{of}ROOM"], os.environ[f"STOA_{of}TOKEN"]
    participant = listen_in(room, host)
    if operation in BEFORE:
        method, what = BEFORE[operation]
        ask(method, f"/v1/rooms/{room}/participants/{participant}/{what}", host)
    if case.path == HAND_OVER:
        case.body = {"participant": participant}
    else:
        case.path_parameters["participant"] = participant


@schemathesis.hook
def after_call(context, case, response):
    if concerns_people(case):
        status = str(response.status_code)
        if response.status_code >= 400:
            status += " " + response.json().get("type", "").removeprefix("/problems/")
        reached[f"{case.method.upper()} {case.path}"][status] += 1


@atexit.register
def write_reached():
    with open(os.environ["STOA_REACHED"], "w") as file:
        for operation, counts in sorted(reached.items()):
            statuses = ", ".join(f"{count} x {status}" for status, count in sorted(counts.items()))
            done = any(status.startswith("2") for status in counts)
            file.write(f"{'done' if done else 'never done'}: {operation}: {statuses}\n")
