"""Hooks and routes of the auditors' site. What is shown is made in `vya_backup.outlook.site`; nothing here writes.

Datasette loads this file by its path, so it has no siblings to import; its memory hangs on the Datasette object.
"""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

from datasette import Forbidden, NotFound, Response, hookimpl
from markupsafe import Markup
from prometheus_client import CONTENT_TYPE_LATEST

from vya_backup import __version__, clock
from vya_backup.clock import rfc3339
from vya_backup.decisions.naming import Key
from vya_backup.decisions.retention import local_day
from vya_backup.history.questions import questions
from vya_backup.history.reading import Borrowed
from vya_backup.outlook import figures, health_pages, metrics
from vya_backup.outlook.site import cells, guard
from vya_backup.outlook.site.answer_page import answer_page
from vya_backup.outlook.site.backup_page import backup_page
from vya_backup.outlook.site.database_page import database_page
from vya_backup.outlook.site.front import front
from vya_backup.outlook.site.instance_page import instance_page
from vya_backup.outlook.site.keeper import Keeper
from vya_backup.outlook.site.keeping import HORIZON_DAYS
from vya_backup.outlook.site.shelf import shelves
from vya_backup.outlook.site.surroundings import surroundings
from vya_backup.settings.site_model import is_loopback

CACHE_KIB = 32 * 1024
FIRST_YEAR, LAST_YEAR = 1970, 9998

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
    """Go over to a file that has taken the place of the one that is open: each thread holds a connection of its own."""
    former, datasette.executor = datasette.executor, ThreadPoolExecutor(datasette.setting("num_sql_threads"))
    former.shutdown(wait=False)
    datasette.vya_keeper = Keeper(datasette.get_database(guard.CATALOG).path)


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
    key = Key(*(cells.decoded(request.url_vars[name]) for name in ("instance", "database")))
    host, said = request.args.get("host") or "", request.args.get("year") or ""
    year = int(said) if said.isdecimal() and FIRST_YEAR <= int(said) <= LAST_YEAR else None

    def question(reads, around):
        return database_page(reads, around, key, year, host)

    return await page(datasette, request, "vya_database.html", question, horizon=HORIZON_DAYS)


async def show_instance(datasette, request):
    """Tell of one instance."""
    instance, host = cells.decoded(request.url_vars["instance"]), request.args.get("host") or ""

    def question(reads, around):
        return instance_page(reads, around, instance, host, keeper(datasette).space(reads, instance, host))

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
    return await page(datasette, request, "vya_questions.html", lambda reads, around: questions())


async def show_answer(datasette, request):
    """Answer a question; its CSV and JSON are Datasette's canned query of the same name."""
    asked = {one.name: one for one in questions()}[request.url_vars["question"]]
    values = {name: request.args.get(name) or "" for name in asked.takes}

    def question(reads, around):
        return answer_page(reads, around, asked, values)

    return await page(datasette, request, "vya_answer.html", question, most=datasette.setting("max_returned_rows"))


# ------------------------------------------------------------------ for machines


async def may_watch(datasette, request):
    """Say whether monitoring is answered: on a site with accounts by this machine alone, unless it is opened."""
    config = datasette.plugin_config("vya_site") or {}
    if not config.get("login") or config.get("open_monitoring"):
        return True
    peer = (request.scope.get("client") or ("",))[0]
    return is_loopback(peer) or await datasette.permission_allowed(request.actor, "view-instance", default=True)


async def machine_page(datasette, request, made):
    """Answer one of the pages of `health_pages`; a catalog that cannot be read is 503."""
    if not await may_watch(datasette, request):
        return Response.text("403 Forbidden: log in, or ask from the host itself\n", status=403)
    try:
        status, value = await ask(datasette, lambda reads: made(reads, clock.now()))
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is that this is not well
        status, value = 503, {"status": "unhealthy", "timestamp": rfc3339(clock.now()), "error": type(error).__name__}
    return Response.json(value, status=status)


async def show_health(datasette, request):
    """Answer whether all is well."""
    return await machine_page(datasette, request, health_pages.health)


async def show_ready(datasette, request):
    """Answer for each instance."""
    return await machine_page(datasette, request, health_pages.ready)


async def show_live():
    """Answer."""
    status, value = health_pages.live()
    return Response.json(value, status=status)


async def show_metrics(datasette, request):
    """Answer what the textfile holds."""
    if not await may_watch(datasette, request):
        return Response.text("403 Forbidden: log in, or ask from the host itself\n", status=403)
    text = await ask(datasette, lambda reads: metrics.text(reads, clock.now()))
    return Response(text.decode(), content_type=CONTENT_TYPE_LATEST)


@hookimpl
def register_routes():
    """Name the pages; Datasette's own list of tables is one of ours."""
    return [
        (r"^/$", show_front),
        (r"^/db/(?P<instance>[^/]+)/(?P<database>[^/]+)$", show_database),
        (r"^/instance/(?P<instance>[^/]+)$", show_instance),
        (r"^/backup/(?P<backup>[^/]+)$", show_backup),
        (r"^/questions$", show_questions),
        (rf"^/{guard.CATALOG}/(?P<question>{'|'.join(one.name for one in questions())})$", show_answer),
        (r"^/health$", show_health),
        (r"^/health/ready$", show_ready),
        (r"^/health/live$", show_live),
        (r"^/metrics$", show_metrics),
        (rf"^/{guard.CATALOG}$", show_tables),
    ]


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


def arranged(names, rows):
    """Return the places of the columns of a table in the order of `cells`."""
    listed = [list(row) for row in rows]
    return cells.arranged(names, lambda place: all(row[place]["raw"] in {None, ""} for row in listed))


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
        "arranged": arranged,
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
        told = ""
        while True:
            try:
                await ask(datasette, keeper(datasette).foresee)
                while await ask(datasette, keeper(datasette).follow):
                    await asyncio.sleep(0.01)
                await ask(datasette, keeper(datasette).foresee)
                said = ""
            except Exception as error:  # noqa: BLE001 - a copy that is just being replaced is read in the next round
                said = f"the chain could not be followed, and is tried again: {type(error).__name__}: {error}"
            if said and said != told:
                sys.stderr.write(f"{said}\n")
            told = said
            await asyncio.sleep(10)

    async def begin():
        datasette.vya_follower = asyncio.get_running_loop().create_task(follow())

    return begin
