"""From a cause to a channel: grouped, routed, throttled, resolved, retried; with a real webhook and a mail server."""

import datetime as dt
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from market_data.alerts import deliver
from market_data.alerts.channels import send, without_secrets
from market_data.domain.errors import ConfigurationError
from market_data.domain.messages import Message
from market_data.domain.time import to_ns
from market_data.ledger.schema import metadata
from market_data.operations.alerting import (
    acknowledge,
    forget,
    raise_alerts,
    report_alerts,
    resolve_alerts,
    tell_again,
)
from market_data.pipeline.workspace import Workspace
from market_data_tests.alerts.conftest import START, Clock, configured, late
from market_data_tests.vendors.mailbox import Mailbox
from market_data_tests.vendors.webhook import PASSWORD, PATH, Webhook

SECRETS = (PASSWORD, "T0SECRET", "B0SECRET")


def test_a_hundred_sightings_of_one_cause_are_one_message(workspace: Workspace, webhook: Webhook) -> None:
    raise_alerts(workspace, [late(day % 31 + 1) for day in range(100)], START, {"ops": webhook.url})
    (told,) = webhook.told
    assert told["title"] == "[error] sim trades: days are late"
    assert "The vendor has not published them." in told["message"]
    assert "Partitions (31): 2024-01-01 AAA-USD, 2024-01-02 AAA-USD" in told["message"]
    assert "and 23 more" in told["message"]
    assert "seen 100 times" in told["message"]
    assert told["type"] == "failure"


def test_causes_of_one_call_are_one_message_the_gravest_first(workspace: Workspace, webhook: Webhook) -> None:
    causes = [late(15, severity="warning"), late(15, table="quotes", severity="critical"), late(15, feed="other")]
    raise_alerts(workspace, causes, START, {"ops": webhook.url})
    (told,) = webhook.told
    assert told["title"] == "3 alerts: 1 critical, 1 error, 1 warning"
    assert [line for line in told["message"].splitlines() if line.startswith("[")] == [
        "[critical] sim quotes: days are late",
        "[error] other trades: days are late",
        "[warning] sim trades: days are late",
    ]
    assert len(workspace.ledger.alerts.find()) == 3


def test_the_same_cause_is_counted_and_told_again_after_the_hours_of_the_configuration(
    workspace: Workspace, webhook: Webhook, clock: Clock
) -> None:
    configured(workspace, repeat_after_hours=6)
    for _ in range(12):  # 0:00 to 5:30
        raise_alerts(workspace, [late(15)], clock.now, {"ops": webhook.url})
        clock.pass_(minutes=30)
    assert len(webhook.told) == 1
    raise_alerts(workspace, [late(15, 16)], clock.now, {"ops": webhook.url})
    assert webhook.titles == ["[error] sim trades: days are late", "[error, goes on] sim trades: days are late"]
    assert "seen 13 times" in webhook.told[1]["message"]
    (alert,) = workspace.ledger.alerts.find()
    assert (alert.occurrences, len(alert.cause.partitions)) == (13, 2)


def test_what_gets_graver_is_told_at_once_though_it_was_acknowledged(
    workspace: Workspace, webhook: Webhook, clock: Clock
) -> None:
    channels = {"ops": webhook.url}
    (alert,) = raise_alerts(workspace, [late(15)], clock.now, channels).alerts
    assert acknowledge(workspace, alert.id, clock.pass_(minutes=1)).state == "acknowledged"
    raise_alerts(workspace, [late(15)], clock.pass_(days=3), channels)
    assert len(webhook.told) == 1
    raise_alerts(workspace, [late(15, severity="critical")], clock.pass_(minutes=1), channels)
    assert webhook.titles[1:] == ["[now critical] sim trades: days are late"]
    assert workspace.ledger.alerts.find()[0].state == "open"


def test_the_end_is_told_once_and_to_those_who_were_told_of_the_beginning(workspace: Workspace, clock: Clock) -> None:
    configured(
        workspace,
        routes=[{"channel": "ops"}, {"channel": "pager", "severity": "critical"}, {"channel": "else", "feeds": ["x"]}],
    )
    with Webhook() as ops, Webhook() as pager, Webhook() as other:
        channels = {"ops": ops.url, "pager": pager.url, "else": other.url}
        raise_alerts(workspace, [late(15)], clock.now, channels)
        for _ in range(2):
            resolve_alerts(workspace, [late(15).key], clock.pass_(minutes=5), channels)
        assert ops.titles == ["[error] sim trades: days are late", "[resolved] sim trades: days are late"]
        assert "since 2024-01-16 09:00 UTC until 2024-01-16 09:05 UTC" in ops.told[1]["message"]
        assert ops.told[1]["type"] == "success"
        assert (pager.requests, other.requests) == ([], [])


def test_without_routes_every_channel_is_told_warnings_and_what_is_graver(workspace: Workspace, clock: Clock) -> None:
    with Webhook() as one, Webhook() as two:
        channels = {"one": one.url, "two": two.url}
        raise_alerts(workspace, [late(15, severity="info")], clock.now, channels)
        raise_alerts(workspace, [late(15, table="quotes", severity="warning")], clock.now, channels)
        assert one.titles == two.titles == ["[warning] sim quotes: days are late"]


def test_without_a_channel_alerts_are_kept_and_logged(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    assert raise_alerts(workspace, [late(15)], START, {}).channels == {}
    (alert,) = workspace.ledger.alerts.find()
    assert alert.state == "open"
    assert ("market_data.alerts", logging.ERROR, "alert 1: [error] sim trades: days are late") in caplog.record_tuples


def test_a_report_of_all_that_is_wrong_ends_what_is_not_in_it(
    workspace: Workspace, webhook: Webhook, clock: Clock
) -> None:
    channels = {"ops": webhook.url}
    report_alerts(workspace, "freshness", "sim", [late(15), late(15, table="quotes")], clock.now, channels)
    raise_alerts(workspace, [late(15, feed="other")], clock.now, channels)
    told = report_alerts(workspace, "freshness", "sim", [late(15)], clock.pass_(minutes=1), channels)
    assert [(alert.cause.table, alert.told) for alert in told.alerts] == [("quotes", "resolved")]
    assert {alert.cause.key for alert in workspace.ledger.alerts.find()} == {late().key, late(feed="other").key}
    with pytest.raises(ValueError, match="not of kind 'freshness' and feed 'sim': freshness/other/trades/-/-"):
        report_alerts(workspace, "freshness", "sim", [late(15, feed="other")], clock.now, channels)


def test_a_cause_that_comes_and_goes_is_no_flood(workspace: Workspace, webhook: Webhook, clock: Clock) -> None:
    channels = {"ops": webhook.url}
    for _ in range(288):  # a day, off and on every five minutes
        raise_alerts(workspace, [late(15)], clock.now, channels)
        resolve_alerts(workspace, [late(15).key], clock.pass_(minutes=4), channels)
        clock.pass_(minutes=1)
    assert 4 <= len(webhook.told) <= 20
    (alert,) = workspace.ledger.alerts.find(unresolved_only=False)
    assert alert.occurrences == 288


def test_a_cause_that_came_back_too_soon_is_told_by_a_later_call_of_anybody(
    workspace: Workspace, webhook: Webhook, clock: Clock
) -> None:
    channels = {"ops": webhook.url}
    raise_alerts(workspace, [late(15)], clock.now, channels)
    resolve_alerts(workspace, [late(15).key], clock.pass_(minutes=1), channels)
    raise_alerts(workspace, [late(15)], clock.pass_(minutes=1), channels)
    tell_again(workspace, clock.pass_(minutes=10), channels)
    assert len(webhook.told) == 2
    tell_again(workspace, clock.pass_(minutes=10), channels)
    assert webhook.titles[2:] == ["[error, again] sim trades: days are late"]


def test_a_channel_that_was_down_is_told_once_when_it_is_up(
    workspace: Workspace, webhook: Webhook, clock: Clock
) -> None:
    webhook.refusals = [503, 500]
    channels = {"ops": webhook.url}
    with Mailbox() as box:
        told = raise_alerts(workspace, [late(15)], clock.now, {**channels, "mail": box.url})
        assert told.channels["mail"] is None
        assert "503" in (told.channels["ops"] or "")
        tell_again(workspace, clock.pass_(seconds=30), channels)  # too early
        assert len(webhook.requests) == 1
        tell_again(workspace, clock.pass_(seconds=31), channels)  # 500
        tell_again(workspace, clock.pass_(seconds=90), channels)  # rests two minutes now
        assert len(webhook.requests) == 2
        for _ in range(3):
            tell_again(workspace, clock.pass_(seconds=31), {**channels, "mail": box.url})
        assert len(webhook.told) == 1
        assert len(box.mails) == 1
    sent = [each for each in workspace.ledger.alerts.deliveries([1]) if each.channel == "ops"]
    assert [(each.state, each.tries, each.error) for each in sent] == [("sent", 3, None)]


def test_a_message_of_a_process_that_died_while_sending_is_sent_by_another(
    workspace: Workspace, webhook: Webhook, clock: Clock
) -> None:
    configured(workspace, routes=[{"channel": "ops"}])
    raise_alerts(workspace, [late(15)], clock.now, {})
    now_ns = to_ns(clock.now)
    assert len(workspace.ledger.alerts.claim(["ops"], now_ns, now_ns + 60_000_000_000)) == 1
    assert tell_again(workspace, clock.pass_(seconds=59), {"ops": webhook.url}).channels == {}
    assert tell_again(workspace, clock.pass_(seconds=2), {"ops": webhook.url}).channels == {"ops": None}
    assert len(webhook.told) == 1


def test_a_claim_and_a_rest_that_were_written_before_the_clock_was_set_back_hold_nobody_up(
    workspace: Workspace, webhook: Webhook, clock: Clock
) -> None:
    configured(workspace, routes=[{"channel": "ops"}])
    raise_alerts(workspace, [late(15)], clock.now, {})
    now_ns = to_ns(clock.now)
    taken = workspace.ledger.alerts.claim(["ops"], now_ns, now_ns + 60_000_000_000)
    clock.pass_(days=-1)
    assert tell_again(workspace, clock.now, {"ops": webhook.url}).channels == {"ops": None}
    workspace.ledger.alerts.failed(taken, "no answer", [now_ns])  # whoever claimed it before: it was sent
    assert tell_again(workspace, clock.pass_(minutes=1), {"ops": webhook.url}).channels == {}


def test_a_message_that_fails_after_a_newer_one_was_written_is_not_sent_after_it(
    workspace: Workspace, webhook: Webhook, clock: Clock
) -> None:
    configured(workspace, routes=[{"channel": "ops"}])
    raise_alerts(workspace, [late(15)], clock.now, {})
    history, now_ns = workspace.ledger.alerts, to_ns(clock.now)
    on_its_way = history.claim(["ops"], now_ns, now_ns + 600_000_000_000)
    resolve_alerts(workspace, [late().key], clock.pass_(seconds=1), {})
    history.failed(on_its_way, "no answer", [now_ns])
    assert [(each.event, each.state) for each in history.deliveries([1])] == [
        ("raised", "superseded"),
        ("resolved", "waiting"),
    ]


def test_who_was_down_all_the_while_is_told_of_the_end_only(
    workspace: Workspace, webhook: Webhook, clock: Clock
) -> None:
    webhook.refusals = [503]
    channels = {"ops": webhook.url}
    raise_alerts(workspace, [late(15)], clock.now, channels)
    resolve_alerts(workspace, [late(15).key], clock.pass_(seconds=5), channels)
    tell_again(workspace, clock.pass_(hours=1), channels)
    assert webhook.titles == ["[resolved] sim trades: days are late"]
    assert [each.state for each in workspace.ledger.alerts.deliveries([1])] == ["superseded", "sent"]


def test_messages_for_a_channel_that_this_process_does_not_know_wait_for_one_that_does(
    workspace: Workspace, webhook: Webhook
) -> None:
    configured(workspace, routes=[{"channel": "ops"}])
    assert raise_alerts(workspace, [late(15)], START, {}).channels == {}
    assert [each.state for each in workspace.ledger.alerts.deliveries([1])] == ["waiting"]
    assert tell_again(workspace, START, {"ops": webhook.url}).channels == {"ops": None}


def test_a_server_that_takes_a_message_and_says_nothing_is_given_up(workspace: Workspace, webhook: Webhook) -> None:
    webhook.refusals = [0]
    raise_alerts(workspace, [late(15)], START, {})
    alert = workspace.ledger.alerts.find()[0]
    with workspace.ledger.alerts.writing() as book:
        book.enqueue(alert, "raised", Message("t", "x", "error"), ["ops"], to_ns(START))
    outcome = deliver(workspace.ledger.alerts, {"ops": webhook.url}, to_ns(START), timeout_seconds=0.3)
    webhook.closing.set()
    assert outcome == {"ops": "no answer within 0.3 s"}
    assert [each.state for each in workspace.ledger.alerts.deliveries([alert.id])] == ["waiting"]


def test_a_mail_carries_the_words(workspace: Workspace) -> None:
    with Mailbox() as box:
        raise_alerts(workspace, [late(15, 16)], START, {"mail": box.url})
        (mail,) = box.mails
    assert mail["Subject"] == "[error] sim trades: days are late"
    assert mail["To"] == "ops@example.com"
    assert "Partitions (2): 2024-01-15 AAA-USD, 2024-01-16 AAA-USD" in mail.as_string()


@pytest.mark.parametrize(
    "url", ["json://robot:{0}@127.0.0.1:9/{1}", "slack://{0}/T0SECRET", "nonsense://{0}", "{0}", "json://{0}@[::1:/{1}"]
)
def test_no_secret_gets_into_logs_errors_or_the_history(
    workspace: Workspace, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    for name in ("", "apprise", "urllib3"):
        logging.getLogger(name).setLevel(1)
    address = SecretStr(url.format(PASSWORD, PATH))
    told = raise_alerts(workspace, [late(15)], START, {"ops": address})
    assert told.channels["ops"]
    everything = caplog.text + repr(told) + repr(workspace.settings.alerts)
    everything += repr([workspace.ledger.all_rows(select(table)) for table in metadata.sorted_tables])
    workspace.ledger.close()
    everything += "".join(
        path.read_bytes().decode(errors="replace") for path in workspace.settings.home.glob("ledger.db*")
    )
    assert "ops" in everything
    assert [secret for secret in SECRETS if secret in everything] == []


def test_parts_of_an_address_are_taken_out_of_errors_however_they_are_written() -> None:
    url = SecretStr("mailto://me%40home:pa%24%24word@mail.example.com?to=them")
    said = without_secrets("no pa$$word nor pa%24%24word at mail.example.com\nfor them", url)
    assert said == "no *** nor *** at *** for ***"


def test_a_channel_that_raises_is_a_channel_that_failed() -> None:
    assert send(SecretStr("json://127.0.0.1:9"), Message("t", None, "error")) is not None  # pyright: ignore


_RAISE = """
import datetime as dt, sys, time
from pathlib import Path
from pydantic import SecretStr
from market_data.operations.alerting import raise_alerts
from market_data.pipeline.workspace import opened
from market_data_tests.alerts.conftest import START, late
from market_data_tests.feeds import place, settings_of, simulated
folder, url, begin = Path(sys.argv[1]), SecretStr(sys.argv[2]), Path(sys.argv[3])
import apprise
with opened(settings_of(folder, {"sim": simulated()}).model_copy(update=place(folder.parent / "home"))) as workspace:
    print("ready", flush=True)
    while not begin.exists():
        time.sleep(0.001)
    for n in range(20):
        raise_alerts(workspace, [late(15, table=f"t{n}")], START + dt.timedelta(seconds=n), {"ops": url})
"""


def test_processes_that_see_the_same_causes_at_once_tell_each_once(tmp_path: Path, webhook: Webhook) -> None:
    begin = tmp_path / "begin"
    processes: list[subprocess.Popen[str]] = []
    for n in range(3):
        folder = tmp_path / str(n)
        folder.mkdir()
        command = [sys.executable, "-c", _RAISE, str(folder), webhook.url.get_secret_value(), str(begin)]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ))
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    begin.touch()
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    for process in processes:
        process.communicate()
    said = json.dumps(webhook.told)
    lines = [line for each in webhook.told for line in [each["title"], *each["message"].splitlines()]]
    told = [line for line in lines if line.startswith("[error]")]
    assert sorted(told) == sorted(f"[error] sim t{n}: days are late" for n in range(20)), said


def test_old_alerts_are_forgotten_with_their_messages_and_open_ones_are_not(
    workspace: Workspace, webhook: Webhook, clock: Clock
) -> None:
    configured(workspace, keep_days=30)
    channels = {"ops": webhook.url}
    raise_alerts(workspace, [late(15), late(15, table="quotes")], clock.now, channels)
    resolve_alerts(workspace, [late().key], clock.pass_(hours=1), channels)
    raise_alerts(workspace, [], clock.pass_(days=29), channels)
    assert len(workspace.ledger.alerts.find(unresolved_only=False)) == 2
    raise_alerts(workspace, [], clock.pass_(days=2), channels)
    (left,) = workspace.ledger.alerts.find(unresolved_only=False)
    assert left.cause.table == "quotes"
    assert {each.alert_id for each in workspace.ledger.alerts.deliveries([1, 2])} == {left.id}
    assert forget(workspace, clock.now, keep_days=0) == 0


def test_what_has_ended_or_never_was_cannot_be_acknowledged(workspace: Workspace) -> None:
    raise_alerts(workspace, [late(15)], START, {})
    resolve_alerts(workspace, [late().key], START, {})
    with pytest.raises(ConfigurationError, match="alert 1 has ended"):
        acknowledge(workspace, 1, START)
    with pytest.raises(ConfigurationError, match="there is no alert 2"):
        acknowledge(workspace, 2, START + dt.timedelta(1))
