"""What each service may do on the bus: the subjects it may publish to, and those it may hear.

In:  the name of a service, and those of the collectors of other hosts.
Out: two lists of subjects, for the configuration of a NATS server. A service may publish its own stage and follow the
     one before it; `record`, `notify` and `serve` publish nothing but their status. Answers come to an inbox that
     only the service itself may hear.
Who may follow a stream names the subject to which it is delivered, which no permission of NATS limits: permissions keep
outsiders out and mistakes small; a host that was taken over can still put into other streams what it may read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ninefold.bus.status import CHAIN

PREFIX = "ninefold"
COLLECT, INPUT, STATUS = "collect", "input", "status"
DOOR = "door"  # the consumer that takes the inputs
SENDERS = ("sentiment", "execute")  # hand inputs to the door
FOLLOWERS = ("record", "notify", "serve")  # of the end of the chain
ORDER = (COLLECT, *CHAIN)
LEASES = "ninefold_leases"  # the bucket that says which executor trades an account
_API = "$JS.API"


class Allowed(NamedTuple):
    publish: list[str]
    subscribe: list[str]


def stream_of(stage: str) -> str:
    return f"{PREFIX}_{stage}"


def subject_of(stage: str) -> str:
    return f"{PREFIX}.{stage}"


def inbox_of(service: str) -> str:
    return f"_INBOX.{service}"


def collector_stage(name: str) -> str:
    """The stage, and the service, of the collector of a host among several; "" is the only one."""
    return f"{COLLECT}-{name}" if name else COLLECT


def services_of(collectors: Sequence[str]) -> list[str]:
    """All that may come to a bus."""
    return [*ORDER, *FOLLOWERS, *map(collector_stage, collectors)]


def allowed(service: str, collectors: Sequence[str] = ()) -> Allowed:
    """service: as `services_of` names it."""
    publish, subscribe = [subject_of(STATUS)], [f"{inbox_of(service)}.>"]
    others = [collector_stage(name) for name in collectors]
    if service in (*ORDER, *others):
        publish += [subject_of(service), *_known(service)]
    if service in CHAIN:
        publish += _followed(ORDER[ORDER.index(service) - 1])
    if service in FOLLOWERS:
        publish += _followed(CHAIN[-1])
    if service == "record":
        publish += [subject for stage in others for subject in (*_followed(stage), _api("STREAM.PURGE", stage))]
    if service == COLLECT:
        publish += _taken(INPUT)
    if service in SENDERS:
        publish += [subject_of(INPUT), *_known(INPUT)]
    if service == CHAIN[-1]:
        held = f"KV_{LEASES}"
        publish += [f"$KV.{LEASES}.>", *(f"{_API}.STREAM.{verb}.{held}" for verb in ("CREATE", "INFO", "MSG.GET"))]
    if service == "serve" or (service == "record" and others):
        subscribe.append(subject_of(STATUS))
    return Allowed(list(dict.fromkeys(publish)), subscribe)


def _known(stage: str) -> list[str]:
    """To make a stream if there is none, and ask what is in it. One that is there cannot be changed by that."""
    return [_api("STREAM.CREATE", stage), _api("STREAM.INFO", stage), _api("STREAM.MSG.GET", stage)]


def _followed(stage: str) -> list[str]:
    consumer = [f"{_api(f'CONSUMER.{verb}', stage)}.>" for verb in ("CREATE", "INFO", "DELETE")]
    return [*_known(stage), _api("CONSUMER.CREATE", stage), *consumer, f"$JS.FC.{stream_of(stage)}.>"]


def _taken(stage: str) -> list[str]:
    verbs = ("DURABLE.CREATE", "CREATE", "INFO", "MSG.NEXT")
    consumer = [f"{_api(f'CONSUMER.{verb}', stage)}.{DOOR}" for verb in verbs]
    named = f"{_api('CONSUMER.CREATE', stage)}.{DOOR}.>"
    return [*_known(stage), *consumer, named, f"$JS.ACK.{stream_of(stage)}.{DOOR}.>"]


def _api(verb: str, stage: str) -> str:
    return f"{_API}.{verb}.{stream_of(stage)}"
