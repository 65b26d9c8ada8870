"""Hooks that keep the auditors' site closed: what is refused, under which headers, and how refusals and errors look."""

from functools import wraps

from datasette import Response, hookimpl

from vya_backup.outlook.site import guard
from vya_backup.outlook.site.shelf import VIEWABLE


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
            answer = with_headers(send, scope.get("scheme"))
            if reason:
                await Response.text(f"403 Forbidden: {reason}\n", status=403).asgi_send(answer)
            else:
                await app(scope, receive, answer)

        return guarded

    return wrap


def with_headers(send, scheme):
    """Return a `send` that adds the headers of `guard`, and keeps scripts and plain lines away from every cookie."""
    ours = [(name.encode(), value.encode()) for name, value in guard.HEADERS.items()]
    kept = b"; HttpOnly; Secure" if scheme == "https" else b"; HttpOnly"

    async def sending(message):
        if message["type"] == "http.response.start":
            theirs = [
                (name, value + kept if name.lower() == b"set-cookie" else value)
                for name, value in message.get("headers", [])
                if name.decode("latin-1").lower() not in guard.HEADERS
            ]
            message = {**message, "headers": [*theirs, *ours]}
        await send(message)

    return sending


@hookimpl(tryfirst=True)
def forbidden(datasette, request, message):
    """Show the login to whoever may log in; who is in, or has nowhere to, gets the plain refusal."""

    async def answer():
        config = datasette.plugin_config("vya_site") or {}
        if config.get("login") and not request.actor and "text/html" in request.headers.get("accept", ""):
            return Response.redirect("/-/login")
        return await error_page(datasette, request, 403, "What you asked for is closed.")

    return answer


@hookimpl(tryfirst=True)
def handle_exception(datasette, request, exception):
    """Answer an error in our frame; Datasette's own handler is asked too, and prints the traceback of a bug."""

    async def answer():
        status = getattr(exception, "status", 500)
        known = "There is nothing of this name." if status == 404 else str(exception)
        said = "The site could not make this page; its log says why." if status >= 500 else known
        return await error_page(datasette, request, status, said)

    return answer


async def error_page(datasette, request, status, message):
    """Return an error as a page, as JSON where JSON was asked for, and as bare text when even that fails."""
    if request.path.endswith(".json"):
        return Response.json({"ok": False, "error": message, "status": status}, status=status)
    try:
        context = {"error": message, "status": status}
        return Response.html(await datasette.render_template("error.html", context, request=request), status=status)
    except Exception:  # noqa: BLE001 - the catalog itself may be what cannot be read
        return Response.text(f"{status}: {message}\n", status=status)
