"""Hooks and routes of the auditors' site. What is shown is made in `vya_backup.outlook.site`; nothing here writes.

Datasette loads this file by its path, so it has no siblings to import; its memory hangs on the Datasette object.
"""

import asyncio
from contextlib import suppress
from functools import wraps

from datasette import Forbidden, NotFound, Response, hookimpl
from markupsafe import Markup

from vya_backup import __version__, clock
from vya_backup.decisions.retention import local_day
from vya_backup.history.reading import Borrowed
from vya_backup.outlook import figures
from vya_backup.outlook.site import cells, guard
from vya_backup.outlook.site.backup_page import backup_page
from vya_backup.outlook.site.database_page import database_page
from vya_backup.outlook.site.front import front
from vya_backup.outlook.site.instance_page import instance_page
from vya_backup.outlook.site.keeper import Keeper
from vya_backup.outlook.site.shelf import VIEWABLE, shelves
from vya_backup.outlook.site.surroundings import surroundings

CACHE_KIB = 32 * 1024

# ------------------------------------------------------------------ reading


def keeper(datasette):
    """Return what the site remembers between requests."""
    if not hasattr(datasette, "vya_keeper"):
        datasette.vya_keeper = Keeper(datasette.get_database(guard.CATALOG).path)
    return datasette.vya_keeper


async def ask(datasette, question):
    """Answer a question of `Reads` on a connection of Datasette's own, in one of its threads."""
    if keeper(datasette).is_replaced():
        reopen(datasette)
    return await datasette.get_database(guard.CATALOG).execute_fn(lambda connection: question(Borrowed(connection)))


def reopen(datasette):
    """Go over to a file that has taken the place of the one that is open."""
    from datasette.database import Database

    path = datasette.get_database(guard.CATALOG).path
    datasette.remove_database(guard.CATALOG)
    datasette.add_database(Database(datasette, path=path, is_mutable=True), name=guard.CATALOG)
    datasette.vya_keeper = Keeper(path)


async def page(datasette, request, template, question, **more):
    """Render a page from a question that takes `Reads` and the surroundings; nothing to show is 404."""
    if not await datasette.permission_allowed(request.actor, "view-instance", default=True):
        raise Forbidden("view-instance")

    def answer(reads):
        around = surroundings(reads, clock.now())
        return around, question(reads, around)

    around, value = await ask(datasette, answer)
    if value is None:
        raise NotFound("The catalog knows nothing of this name.")
    keeper(datasette).zone = around.zone
    context = {
        "page": value,
        "around": around,
        "zone": around.zone,
        "chain": keeper(datasette).watch,
        "checked_at": keeper(datasette).checked_at,
        **more,
    }
    return Response.html(await datasette.render_template(template, context, request=request))


# ------------------------------------------------------------------ pages


async def show_front(datasette, request):
    """Answer at a glance."""
    host = request.args.get("host") or ""
    return await page(datasette, request, "vya_front.html", lambda reads, around: front(reads, around, host))


async def show_database(datasette, request):
    """Tell of one database."""
    instance, database = (cells.decoded(request.url_vars[name]) for name in ("instance", "database"))
    said = request.args.get("year") or ""
    year = int(said) if said.isdecimal() and 1970 <= int(said) <= 9998 else None

    def question(reads, around):
        return database_page(reads, around, instance, database, year)

    return await page(datasette, request, "vya_database.html", question)


async def show_instance(datasette, request):
    """Tell of one instance."""
    instance = cells.decoded(request.url_vars["instance"])

    def question(reads, around):
        return instance_page(reads, around, instance)

    return await page(datasette, request, "vya_instance.html", question)


async def show_backup(datasette, request):
    """Tell the life of one backup."""
    backup_id = cells.decoded(request.url_vars["backup"])
    return await page(datasette, request, "vya_backup.html", lambda reads, around: backup_page(reads, backup_id))


async def show_tables(datasette, request):
    """List what can be opened as a table."""
    return await page(datasette, request, "vya_tables.html", lambda reads, around: shelves())


async def show_questions(datasette, request):
    """List the questions that auditors ask."""
    asked = datasette.metadata("queries", database=guard.CATALOG, fallback=False) or {}
    questions = [{"name": name, **said} for name, said in asked.items()]
    return await page(datasette, request, "vya_questions.html", lambda reads, around: questions)


@hookimpl
def register_routes():
    """Name the pages; Datasette's own list of tables is one of ours."""
    return [
        (r"^/$", show_front),
        (r"^/db/(?P<instance>[^/]+)/(?P<database>[^/]+)$", show_database),
        (r"^/instance/(?P<instance>[^/]+)$", show_instance),
        (r"^/backup/(?P<backup>[^/]+)$", show_backup),
        (r"^/questions$", show_questions),
        (rf"^/{guard.CATALOG}$", show_tables),
    ]


# ------------------------------------------------------------------ what is denied


@hookimpl
def permission_allowed(action, resource):
    """Deny free SQL, the file itself and every table that is not named; say nothing about the rest."""
    if action in {"execute-sql", "view-database-download", "permissions-debug", "debug-menu", "insert-row"}:
        return False
    if action == "view-database" and resource != guard.CATALOG:
        return False
    if action == "view-table" and (resource[0] != guard.CATALOG or resource[1] not in VIEWABLE):
        return False
    return None


@hookimpl(tryfirst=True)
def asgi_wrapper(datasette):
    """Stand before everything: refuse what no reader asks for, and put the headers on every answer."""

    def wrap(app):
        @wraps(app)
        async def guarded(scope, receive, send):
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            config = datasette.plugin_config("vya_site") or {}
            path = scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0]
            query = scope.get("query_string", b"").decode("latin-1")
            reason = guard.refusal(scope["method"], path, query, login=bool(config.get("login")))
            answer = with_headers(send)
            if reason:
                await Response.text(f"403 Forbidden: {reason}\n", status=403).asgi_send(answer)
            else:
                await app(scope, receive, answer)

        return guarded

    return wrap


def with_headers(send):
    """Return a `send` that adds the headers of `guard`."""

    async def sending(message):
        if message["type"] == "http.response.start":
            given = [(name.encode(), value.encode()) for name, value in guard.HEADERS.items()]
            message = {**message, "headers": [*message.get("headers", []), *given]}
        await send(message)

    return sending


@hookimpl
def forbidden(datasette, request, message):
    """Show the login to whoever may log in; who is in and still may not gets the plain refusal."""
    config = datasette.plugin_config("vya_site") or {}
    if config.get("login") and not request.actor:
        return Response.redirect("/-/login")
    return None


# ------------------------------------------------------------------ how it looks


@hookimpl
def prepare_connection(conn, database):
    """Let a connection to the copy do nothing but read, whatever is asked of it."""
    if database == guard.CATALOG:
        conn.execute("PRAGMA query_only = ON")
        conn.execute(f"PRAGMA cache_size = -{CACHE_KIB}")


@hookimpl
def render_cell(row, value, column, database, datasette):
    """Draw a cell as `cells` says."""
    if database != guard.CATALOG:
        return None
    drawn = cells.cell({key: row[key] for key in row.keys()}, column, value, keeper(datasette).zone)  # noqa: SIM118 - a Row
    return None if drawn is None else Markup(drawn)


@hookimpl
def prepare_jinja2_environment(env):
    """Give the templates the forms of `cells` and `figures`."""
    env.filters |= {
        "local": lambda instant, zone: Markup(cells.local(instant, zone)) if instant else Markup(cells.NONE),
        "size": lambda value: Markup(cells.NONE if value is None else cells.size(value)),
        "duration": lambda value: Markup(cells.NONE if value is None else cells.duration(value)),
        "digest": lambda value: Markup(cells.digest(value)) if value else Markup(cells.NONE),
        "badge": lambda word: Markup(cells.badge(word)),
        "age": figures.human_age,
        "encoded": cells.encoded,
        "picture": Markup,
        "day": lambda instant, zone: local_day(instant, zone).strftime("%-d %B %Y"),
    }


@hookimpl
def extra_template_vars(datasette):
    """Tell every template what the frame around it needs."""
    config = datasette.plugin_config("vya_site") or {}

    async def variables():
        around = await ask(datasette, lambda reads: surroundings(reads, clock.now()))
        return {
            "version": __version__,
            "login": config.get("login"),
            "environments": around.environments,
            "site_hosts": sorted(around.setups),
            "zone_name": around.zone.key,
        }

    return variables


@hookimpl
def startup(datasette):
    """Begin to follow the chain, beside the requests and never in one."""

    async def follow():
        while True:
            with suppress(Exception):  # a copy that is just being written or replaced: the next round tells
                while await ask(datasette, keeper(datasette).follow):
                    await asyncio.sleep(0.01)
            await asyncio.sleep(10)

    async def begin():
        datasette.vya_follower = asyncio.get_running_loop().create_task(follow())

    return begin
