"""`init`: from nothing to a first backup in one conversation; said again, it finishes what is missing, and no more.

The rule: everything is shown before the first effect, and nothing that exists is overwritten.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from vya_backup.command_line import first_questions
from vya_backup.command_line.conversation import Conversation
from vya_backup.command_line.guarding import guarded
from vya_backup.command_line.help_pages import Explained
from vya_backup.command_line.session import GLOBAL_CONFIG, looking
from vya_backup.command_line.timer_offer import TIMER, by_cron, is_offered, offer_timer
from vya_backup.command_line.timers import LINGER
from vya_backup.decisions.manifest import counted
from vya_backup.engines import has_accounts
from vya_backup.engines.answers import Server
from vya_backup.errors import BackupError, CatalogMissing, UsageError
from vya_backup.history.views import restorable
from vya_backup.jobs.beginning import Prepared, Wish, carry_out, for_an_administrator, prepare
from vya_backup.jobs.connection_tests import test_connections
from vya_backup.jobs.timers import waits_for_login
from vya_backup.settings.credentials import CredentialStore
from vya_backup.settings.keys import Lock
from vya_backup.settings.loading import Loaded, find, load, written_at
from vya_backup.settings.model import Instance
from vya_backup.settings.places import IN_CHECKOUT, SYSTEM, Places, of_file, of_user, to_begin
from vya_backup.settings.private_files import exists

PROGRAM = "vya-backupdb"
STILL_MEANT = {"place", "no_backup", "no_timer", "dry_run", "yes"}
"""Options that mean something where there is a configuration already."""
PATIENCE_SECONDS = 60.0  # nothing else waits, and a server that is slow once should not end a first contact


class Init(Explained):
    """First contact."""

    name = "init"
    doc_purpose = "set everything up: account, credentials, configuration, first backup, timer"
    doc_usage = ""
    doc_description = "Asks what no option says; with --yes nothing is asked. Said again, it changes nothing."
    cmd_options = first_questions.OPTIONS

    def execute(self, params: Any, args: Sequence[str]) -> int:
        """Ask, show, do."""
        return guarded(lambda: self._begin(dict(params), list(args)))

    def _begin(self, options: dict[str, Any], args: list[str]) -> int:
        if args:
            raise UsageError(f"init does not take {args[0]!r}", f"See: {PROGRAM} help init")
        talk = Conversation(options, takes_defaults=bool(options["yes"]))
        places = _places(str(options["place"]))
        is_there = exists(places.configuration)
        if options["add"] and not is_there:
            raise UsageError(f"there is no {places.configuration} to add to", "Leave --add out.")
        if is_there and not (options["add"] or options["print_grants"]):
            return _go_on(talk, load(places.configuration))
        if not options["print_grants"]:
            talk.say("VYA BackupDB, first contact. Nothing is changed before you agree to it.")
        wish, server = first_questions.ask_everything(talk, places, adds=is_there and bool(options["add"]))
        if options["print_grants"]:
            return _print_statements(talk, wish, server)
        return _make(talk, prepare(wish))


def _places(said: str) -> Places:
    """Return where the configuration lies, or will.

    Raises:
        UsageError: `--place` says what is none.
    """
    named = GLOBAL_CONFIG[-1] or (Path(os.environ["VYA_CONFIG"]) if os.environ.get("VYA_CONFIG") else None)
    if named:
        return of_file(named, os.environ)
    known = {"here": of_file(IN_CHECKOUT, os.environ), "user": of_user(os.environ), "system": SYSTEM}
    if said and said not in known:
        raise UsageError(f"there is no place {said!r}", f"Say one of: {', '.join(known)}.")
    found = find(os.environ)
    if said or found is None:
        return known[said] if said else to_begin(os.environ, as_root=os.geteuid() == 0)
    return of_file(found, os.environ)


def _print_statements(talk: Conversation, wish: Wish, server: Server | None) -> int:
    statements = for_an_administrator(wish, server or Server(wish.answers.instance.type, (), ""))
    talk.say("-- For an administrator of the server, who puts a password in place of the dots:")
    for statement in statements:
        print(statement)
    # not folded: it is one line of SQL, and one command
    print(f"-- Then, where the password is asked for, or with --password-file F: {_said_again(talk, wish)}", flush=True)
    return 0


def _said_again(talk: Conversation, wish: Wish) -> str:
    """Return the command that goes on with the account, once it is made."""
    instance, tls = wish.answers.instance, wish.answers.instance.tls
    words = [PROGRAM, *(("--config", str(GLOBAL_CONFIG[-1])) if GLOBAL_CONFIG[-1] else ()), "init"]
    words += ["--add"] if exists(wish.places.configuration) else []
    words += ["--engine", instance.type, "--id", instance.id, "--existing-account"]
    where = {"--socket": instance.socket} if instance.socket else {"--host": instance.host, "--port": instance.port}
    account = wish.account.username if wish.account.username != first_questions.ACCOUNT else None
    more = {"--ca-cert": tls.ca_cert, "--account": account, "--place": talk.options["place"]}
    for option, value in {**where, **more}.items():
        words += [option, str(value)] if value else []
    return shlex.join([*words, *(() if tls.enabled or instance.is_local else ("--no-tls",))])


def _make(talk: Conversation, prepared: Prepared) -> int:
    _show(talk, prepared)
    if talk.options["dry_run"]:
        talk.say("Nothing was changed: this was a preview.")
        return 0
    if not talk.agreed("Go on?"):
        talk.say("Nothing was changed.")
        return 1
    carry_out(prepared, lambda step: talk.say(f"ok  {step}"))
    return _first_backup(talk, load(prepared.wish.places.configuration), prepared.wish.answers.instance.id)


def _show(talk: Conversation, prepared: Prepared) -> None:
    wish = prepared.wish
    talk.say("\nThis is what will be done:")
    if prepared.stored:
        talk.say(f"- the account {prepared.login.username} is in the store already, from an earlier attempt")
    elif wish.way != "none":
        talk.say(f"- the password of {prepared.login.username} is kept encrypted in {wish.places.base / '.secrets'}")
    if prepared.statements:
        talk.say(f"- as {wish.admin.username}, on the server:")
        for statement in prepared.shown_statements:
            talk.say(f"    {statement}")
    verb = "gets one more instance" if wish.adds else "is written"
    talk.say(f"- {wish.places.configuration} {verb}; catalog: {wish.places.catalog}")
    if talk.options["dry_run"]:
        print("".join(f"    {line}\n" for line in prepared.text.splitlines()), end="")
    if not talk.options["no_backup"]:
        talk.say("- the connection is tested, and a first backup is made")
    if is_offered(talk.options, wish.places.configuration):
        talk.say("- then a timer is offered" + (", and installed" if talk.takes_defaults else ""))


def _go_on(talk: Conversation, loaded: Loaded) -> int:
    """Say that there is a configuration, and make up for what an earlier attempt did not come to."""
    GLOBAL_CONFIG.append(loaded.path)
    instances = ", ".join(instance.id for instance in loaded.configuration.instances) or "none"
    talk.say(f"There is a configuration: {loaded.path} (instances: {instances})")
    _tell_what_is_passed_over(talk, loaded)
    if talk.options["no_backup"] or not loaded.configuration.instances or _has_backups():
        talk.say(f"Nothing was changed. One more instance: {PROGRAM} init --add")
        return 0
    talk.say("There is no backup yet: the connections would be tested, and the first one made.")
    if talk.options["dry_run"] or not talk.agreed("Go on?"):
        talk.say("Nothing was changed.")
        return 0 if talk.options["dry_run"] else 1
    return _first_backup(talk, loaded)


def _tell_what_is_passed_over(talk: Conversation, loaded: Loaded) -> None:
    names = [str(one["name"]) for one in first_questions.OPTIONS if str(one["name"]) not in STILL_MEANT]
    if said := [f"--{name.replace('_', '-')}" for name in names if talk.options[name]]:
        store = loaded.configuration.credentials.file
        how = f"change the file itself; an account in {store} is replaced with `{PROGRAM} credentials encrypt --force`"
        talk.say(f"note: not looked at, because it is there: {', '.join(said)}. To change what was said: {how}")


def _has_backups() -> bool:
    with suppress(CatalogMissing), looking() as workspace:
        return bool(restorable(workspace.catalog, limit=1))
    return False


def _first_backup(talk: Conversation, loaded: Loaded, instance_id: str = "") -> int:
    """Test the connections and back up, one instance or all; then tell what comes next.

    Raises:
        BackupError: the connection of the one instance is not what backups need.
    """
    from vya_backup.command_line.main import main  # it knows this command

    configuration = loaded.configuration
    GLOBAL_CONFIG.append(loaded.path)
    meant = [one for one in configuration.instances if one.enabled and instance_id in {"", one.id}]
    store = CredentialStore.load(configuration)
    reports = test_connections(configuration, store, meant, timeout_seconds=PATIENCE_SECONDS)
    for report in reports:
        for line in report.lines:
            talk.say(line)
    if not all(report.ok for report in reports):
        bad = {report.instance for report in reports if not report.ok}
        raise BackupError("no first backup was made", _how_to_mend(loaded, [one for one in meant if one.id in bad]))
    status = 0 if talk.options["no_backup"] else main([f"backup:{instance_id}" if instance_id else "backup"])
    timer = offer_timer(talk, loaded)
    _tell_what_is_there(talk, loaded, timer)
    return status


def _how_to_mend(loaded: Loaded, instances: Sequence[Instance]) -> str:
    configuration, path = loaded.configuration, loaded.path or Path()
    places = ", ".join(f"{one.id} in {written_at(path, one.id)}" for one in instances)
    store = ""
    if any(has_accounts(one.type) for one in instances):
        encrypt = (
            f"credentials encrypt --input PLAIN --output {shlex.quote(str(configuration.credentials.file))} --force"
        )
        store = f"; an account in its store: {PROGRAM} {encrypt} (with every account in PLAIN)"
    return f"Correct {places}{store}. Then say again: {PROGRAM} {_named(loaded)}init"


def _named(loaded: Loaded) -> str:
    """Return the option that names the configuration, empty where it is found without."""
    return "" if find(os.environ) == loaded.path else f"--config {shlex.quote(str(loaded.path))} "


def _tell_what_is_there(talk: Conversation, loaded: Loaded, timer: str) -> None:
    configuration, credentials = loaded.configuration, loaded.configuration.credentials
    has_store = exists(credentials.file)
    key = Lock.of(configuration, credentials.file, "key-file").key_file
    talk.say("\nWhat there is now:")
    talk.say(f"  configuration  {loaded.path} ({counted(len(configuration.instances), 'instance')})")
    if has_store:
        talk.say(f"  accounts       {credentials.file}")
        talk.say(f"  their key      {key}")
    talk.say(f"  catalog        {configuration.catalog.path}")
    talk.say(f"  backups        {configuration.storage.base_path}")
    talk.say(f"  timer          {timer}")
    talk.say("What is left to you:")
    if has_store:
        talk.say(f"- keep a copy of the key on another machine: {shlex.quote(str(key))}")
    if timer != TIMER:
        talk.say("- have backups made every night, by cron for example:")
        print(f"  30 1 * * *  {by_cron(loaded)}")  # not folded: cron takes it in one line
    elif loaded.path == of_user(os.environ).configuration and (name := waits_for_login()):
        talk.say(f"- have the timer run while you are not logged in, too: {LINGER} {shlex.quote(name)}")
    talk.say("- copy the backups to another machine, too; this one may burn")
    known = _named(loaded)
    if configuration.notifications.is_wanted:
        talk.say(f"- see whether mail arrives: {PROGRAM} {known}notify test")
    if has_store:
        talk.say(
            f"- give restores an account that may write: {PROGRAM} {known}restore:NAME --dry-run says which rights"
        )
    talk.say(f"- look tomorrow: {PROGRAM} {known}status; try a restore: {PROGRAM} {known}verify --drill")
    sys.stdout.flush()
