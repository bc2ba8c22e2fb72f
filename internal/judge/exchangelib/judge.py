"""Does with exchangelib what it is told, and tells what came of it.

Each line of standard input is a JSON object with an order, each line of
standard output one with an event ("event"), a change ("change") or, last, what
the order came to ("done", or "error").
"""

import json
import sys
import traceback

from exchangelib import (
    BASIC,
    DELEGATE,
    IMPERSONATION,
    NTLM,
    Account,
    Configuration,
    Credentials,
    FolderCollection,
)
from exchangelib.services import SendNotification

accounts = {}


def say(**what):
    print(json.dumps(what), flush=True)


def open_account(order):
    accounts[order["mailbox"]] = Account(
        primary_smtp_address=order["mailbox"],
        config=Configuration(
            service_endpoint=order["url"],
            credentials=Credentials(order["user"], order["password"]),
            auth_type=NTLM if order["ntlm"] else BASIC,
            max_connections=4,  # a stream holds one for as long as it lasts
        ),
        autodiscover=False,
        access_type=IMPERSONATION if order["impersonate"] else DELEGATE,
    )
    return {"folder": accounts[order["mailbox"]].root.id}


def account_of(order):
    return accounts[order["mailbox"]]


def folders_of(order):
    account = account_of(order)
    return FolderCollection(
        account=account, folders=[getattr(account, name) for name in order["folders"]]
    )


def folder_of(order):
    return getattr(account_of(order), order["folders"][0])


def id_of(thing):
    return thing.id if thing is not None else ""


def key_of(thing):
    return thing.changekey if thing is not None else ""


def say_events(notification):
    for event in notification.events:
        item = getattr(event, "item_id", None)
        say(
            event={
                "type": type(event).__name__,
                "item": id_of(item),
                "key": key_of(item),
                "folder": id_of(getattr(event, "folder_id", None)),
                "parent": id_of(getattr(event, "parent_folder_id", None)),
                "oldItem": id_of(getattr(event, "old_item_id", None)),
                "subscription": notification.subscription_id,
            }
        )


def join(order):
    """Makes a mailbox one of another's group: on the same server, if that one has a cookie."""
    anchor = accounts[order["anchor"]]
    account_of(order).affinity_cookie = anchor.affinity_cookie
    return {"cookie": anchor.affinity_cookie or ""}


def subscribe(order):
    folders = folders_of(order)
    if order["kind"] == "pull":
        subscription, watermark = folders.subscribe_to_pull()
    elif order["kind"] == "push":
        subscription, watermark = folders.subscribe_to_push(order["url"])
    else:
        subscription, watermark = folders.subscribe_to_streaming(), ""
    return {"subscription": subscription, "watermark": watermark}


def unsubscribe(order):
    folder_of(order).unsubscribe(order["subscription"])
    return {}


def stream(order):
    """Listens once, until the server closes the connection."""
    for notification in folder_of(order).get_streaming_events(
        order["subscriptions"], connection_timeout=1
    ):
        say_events(notification)
    return {}


def pull(order):
    """Fetches once. (More than that exchangelib would ask for with the same watermark.)"""
    events = folder_of(order).get_events(order["subscription"], order["watermark"])
    notification = next(events)
    say_events(notification)
    return {
        "watermark": notification.events[-1].watermark,
        "more": bool(notification.more_events),
    }


def notified(order):
    """Reads a push, and says what to answer."""
    service = SendNotification(protocol=None)
    for notification in service.parse(order["body"].encode()):
        say_events(notification)
    answer = service.ok_payload() if order["ok"] else service.unsubscribe_payload()
    return {"answer": answer.decode()}


def say_changes(changes):
    for change, thing in changes:
        read = None
        if isinstance(thing, tuple):  # an id, and whether it is read
            thing, read = thing
        text = getattr(thing, "subject", None) or getattr(thing, "name", None) or ""
        say(change={"type": change, "id": thing.id, "text": text, "read": read})


def sync(order):
    """Reads all that has changed since a state, in pages."""
    folder = folder_of(order)
    folder.item_sync_state = None
    say_changes(
        folder.sync_items(
            sync_state=order["state"] or None,
            max_changes_returned=order["page"],
            only_fields=order["fields"],
        )
    )
    return {"state": folder.item_sync_state}


def sync_hierarchy(order):
    folder = folder_of(order)
    folder.folder_sync_state = None
    say_changes(folder.sync_hierarchy(sync_state=order["state"] or None))
    return {"state": folder.folder_sync_state}


def items(order):
    """All items of a folder: FindItem, then GetItem."""
    for item in folder_of(order).all():
        say(change={"type": "item", "id": item.id, "text": item.subject or "", "read": None})
    return {}


orders = {
    f.__name__: f
    for f in (
        open_account,
        join,
        subscribe,
        unsubscribe,
        stream,
        pull,
        notified,
        sync,
        sync_hierarchy,
        items,
    )
}


def main():
    for line in sys.stdin:
        order = json.loads(line)
        try:
            say(done=orders[order["do"]](order))
        except Exception as error:
            traceback.print_exc()
            say(error=f"{type(error).__name__}: {error}")


main()
