"""`market-data alerts`: list what is wrong, take it on, try the channels. Nothing is raised here."""

import datetime as dt
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from market_data.cli.arguments import AsJson
from market_data.cli.console import note
from market_data.cli.home import check_feed, open_reader, open_workspace
from market_data.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from market_data.domain.alerts import Alert
    from market_data.domain.ports.alerts import Delivery

_ADDRESSES = "MARKET_DATA_ALERTS_<NAME>"
Number = Annotated[int, typer.Argument(metavar="ID", help="The alert's number.")]

app = typer.Typer()


@app.callback(invoke_without_command=True)
def listed(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that ended, too.")] = False,
    feed: Annotated[str | None, typer.Option(help="Of this feed only.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what is wrong, and what became of it; without a further word, what is open.

    An alert is a cause, however often it was seen. `told` is how its messages fared: channels that got them, and those
    that are still to get them. Channels are variables of the environment, `MARKET_DATA_ALERTS_<NAME>`, each an apprise
    URL; who is told what stands under `alerts` in the feeds file.

    For example:

    - `market-data alerts --all --feed xrpeth`

    - `market-data alerts ack 17`

    - `market-data alerts test`
    """
    if context.invoked_subcommand is not None:
        return
    check_feed(feed)
    from market_data.ledger.alerts_read import alerts_found, deliveries_of

    with open_reader() as reader:
        found = alerts_found(reader, unresolved_only=not everything, feed=feed)
        sent = deliveries_of(reader, [alert.id for alert in found])
    messages = {alert.id: [each for each in sent if each.alert_id == alert.id] for alert in found}
    if as_json:
        typer.echo(json.dumps([_as_dict(alert, messages[alert.id]) for alert in found], ensure_ascii=False))
        return
    _print(found, messages)


@app.command()
def ack(number: Number) -> None:
    """Take an alert on: it is not told again unless it gets graver, or when it ends.

    For example:

    - `market-data alerts ack 17`
    """
    _must_be_there(number)
    from market_data.operations.alerting import acknowledge

    with open_workspace(must_exist=False) as workspace:
        alert = acknowledge(workspace, number, _now())
    typer.echo(f"alert {number} is acknowledged: {alert.cause.title}")


@app.command()
def resolve(number: Number) -> None:
    """End an alert that nothing will end, such as that of a feed that was removed; it is told as ended.

    For example:

    - `market-data alerts resolve 17`
    """
    _must_be_there(number)
    from market_data.operations.alerting import resolve_number

    with open_workspace(must_exist=False) as workspace:
        told = resolve_number(workspace, number, _now())
    typer.echo(f"alert {number} is resolved")
    _say_failures(told.channels)


@app.command()
def clean(
    days: Annotated[
        int | None, typer.Option(min=0, help="Those that ended more than so many days ago. Default: `keep_days`.")
    ] = None,
) -> None:
    """Remove old alerts that ended, with their messages. It happens by itself too, after `keep_days`.

    For example:

    - `market-data alerts clean --days 30`
    """
    from market_data.operations.alerting import forget

    with open_workspace(must_exist=False) as workspace:
        count = forget(workspace, _now(), days)
    typer.echo(f"removed {count} alerts")


@app.command("test")
def try_channels(as_json: AsJson = False) -> None:
    """Send a message to every channel and say what came of it: exit code 1 if one of them failed.

    For example:

    - `MARKET_DATA_ALERTS_OPS=mailto://me:secret@example.com market-data alerts test`
    """
    from market_data.alerts.channels import scheme, send
    from market_data.domain.messages import Message
    from market_data.settings import alert_channels

    channels = alert_channels()
    if not channels:
        raise ConfigurationError(f"there is no channel: set {_ADDRESSES} in the environment to an apprise URL")
    said = Message("[info] a test of market-data", "This channel will be told of alerts.", "info")
    outcomes = {name: (scheme(url), send(url, said)) for name, url in channels.items()}
    if as_json:
        rows = [{"channel": name, "scheme": kind, "error": why} for name, (kind, why) in outcomes.items()]
        typer.echo(json.dumps(rows))
    else:
        for name, (kind, error) in outcomes.items():
            typer.echo(f"{name} ({kind}): {'told' if error is None else f'failed: {error}'}")
    if any(error is not None for _, error in outcomes.values()):
        raise typer.Exit(1)


def _must_be_there(number: int) -> None:
    """Refuse a number that no alert has, before anything heavy is imported."""
    from market_data.ledger.alerts_read import known_alert

    with open_reader() as reader:
        known_alert(reader, number)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _say_failures(channels: Any) -> None:
    for name, error in channels.items():
        if error is not None:
            note(f"{name} was not told: {error}; it will be tried again")


def _print(found: "Sequence[Alert]", messages: "dict[int, list[Delivery]]") -> None:
    from market_data.cli.console import print_table

    if not found:
        typer.echo("no alert is open")
        return
    names = ["id", "severity", "state", "feed", "title", "partitions", "seen", "since", "last", "told"]
    kinds = ["BIGINT" if name in {"id", "partitions", "seen"} else "VARCHAR" for name in names]
    rows = [_row(alert, messages[alert.id]) for alert in found]
    remark = print_table(names, kinds, [list(column) for column in zip(*rows, strict=True)])
    if remark:
        note(remark)


def _row(alert: "Alert", messages: "Sequence[Delivery]") -> list[str]:
    cause = alert.cause
    whose = " ".join(part for part in (cause.table, cause.symbol) if part)
    title = f"{whose}: {cause.title}" if whose else cause.title
    row = [str(alert.id), cause.severity, alert.state, cause.feed or "-", title, str(len(cause.partitions))]
    return [*row, str(alert.occurrences), _minute(alert.first_ns), _minute(alert.last_ns), _fared(messages)]


def _minute(ns: int) -> str:
    from market_data.domain.time import to_datetime

    return to_datetime(ns).strftime("%Y-%m-%d %H:%M")


def _fared(messages: "Sequence[Delivery]") -> str:
    """Return the last message of each channel."""
    last = {each.channel: each for each in messages}
    return ", ".join(f"{name}{'' if each.state == 'sent' else ' waits'}" for name, each in sorted(last.items()))


def _as_dict(alert: "Alert", messages: "Sequence[Delivery]") -> dict[str, Any]:
    from dataclasses import asdict

    cause = asdict(alert.cause) | {"key": alert.cause.key}
    cause["partitions"] = [
        {"feed": each.feed, "symbol": each.symbol, "date": each.date.isoformat()} for each in alert.cause.partitions
    ]
    instants = ("first_ns", "last_ns", "told_ns", "acknowledged_ns", "resolved_ns")
    times = {name.removesuffix("_ns"): _instant(getattr(alert, name)) for name in instants}
    figures = {"occurrences": alert.occurrences, "last_message": alert.told}
    return {
        "id": alert.id,
        "state": alert.state,
        **cause,
        **times,
        **figures,
        "messages": list(map(_message, messages)),
    }


def _message(each: "Delivery") -> dict[str, Any]:
    times = {"created": _instant(each.created_ns), "sent": _instant(each.sent_ns)}
    same = {name: getattr(each, name) for name in ("channel", "event", "state", "tries", "error")}
    return {**same, **times, "title": each.message.title}


def _instant(ns: int | None) -> str | None:
    from market_data.domain.time import to_datetime

    return to_datetime(ns).isoformat().replace("+00:00", "Z") if ns else None
