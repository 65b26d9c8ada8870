"""Is anybody told, and did what was told arrive?"""

from __future__ import annotations

from vya_backup.decisions.manifest import counted
from vya_backup.decisions.owing import unsettled
from vya_backup.errors import BackupError, CatalogMissing
from vya_backup.history.notices import exchanged, newest
from vya_backup.jobs.health.finding import Finding, failure, ok, some, warning
from vya_backup.jobs.health.subject import Subject


def notifications(subject: Subject) -> Finding:
    """Somebody is told of failures, and the newest message to each channel arrived."""
    from vya_backup.jobs.channels import digest_channels_of, of_settings  # email and ssl, which few commands need

    settings = subject.configuration.notifications
    if not settings.is_wanted:
        return warning(
            "nobody is told of failures", "Set notifications.email (or apprise, pings), then: doit notify test"
        )
    ways = of_settings(subject.configuration, subject.credentials)
    if broken := _unusable(subject):
        return failure(f"cannot be told: {some(broken)}", "Correct it, then run: doit notify test")
    if ways and not any("ERROR" in one.levels for one in ways):
        return warning("no list hears of failures", "Set notifications.email.error_recipients, or levels of a list.")
    names = dict.fromkeys(one.name for one in (*ways, *digest_channels_of(subject.configuration, subject.credentials)))
    try:
        waiting = {name: found for name in names if (found := unsettled(exchanged(subject.catalog, name)))}
        if waiting:
            since = {name: min(one.at for one in found.values()) for name, found in waiting.items()}
            what = [f"{name} since {at:%Y-%m-%d %H:%M} UTC" for name, at in since.items()]
            last = newest(subject.catalog, next(iter(waiting)), "notification_failed")
            why = last.data.get("message", "") if last else ""
            return failure(f"could not be told: {some(what)}: {why}", "Mend it, then run: doit notify test")
        return _heard(subject, list(names))
    except CatalogMissing:
        return ok(f"{counted(len(names), 'channel')}, nothing was to be told yet")


def _heard(subject: Subject, names: list[str]) -> Finding:
    words = [word for name in [*names, "ping"] if (word := newest(subject.catalog, name, "notified"))]
    refused = [one for word in words for one in word.data.get("refused", ())]
    if refused:
        return warning(f"refused: {some(refused)}", "Correct the recipients of notifications.email.")
    failed = newest(subject.catalog, "ping", "notification_failed")
    if failed and not any(word.id > failed.id for word in words if word.data.get("channel") == "ping"):
        return failure(f"the last ping failed: {failed.data.get('message', '')}", "Run: doit notify test")
    if noted := [str(word.data["note"]) for word in words if word.data.get("note")]:
        return warning(some(noted), "Correct the template; see it with: doit notify preview")
    last = max((word.at for word in words), default=None)
    return ok(f"{counted(len(names), 'channel')}, last told " + (f"{last:%Y-%m-%d %H:%M} UTC" if last else "never"))


def _unusable(subject: Subject) -> list[str]:
    """Return what no message could leave by, as far as that can be seen without sending one."""
    from vya_backup.jobs.channels import ping_address

    settings = subject.configuration.notifications
    found = [f"notifications.email.{key} is missing" for key in settings.email.lacking]
    services = [settings.email.service if settings.email.enabled else "", *(one.id for one in settings.apprise)]
    for name in filter(None, services):
        try:
            subject.credentials.service(name)
        except BackupError as error:
            found.append(error.message)
    try:
        ping_address(subject.configuration, subject.credentials, "success")
    except BackupError as error:
        found.append(error.message)
    return found
