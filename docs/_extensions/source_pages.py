"""Links from the pages of sources back to the reference, for names that are documented twice.

`sphinx.ext.viewcode` keeps the module that a name was first documented under, and the page where
it was last. For a function of two modules these do not fit together. Modules that it could not read
have no page, and are left out of its index.
"""


def setup(app):
    app.setup_extension("sphinx.ext.viewcode")
    app.connect("env-check-consistency", _fit_together)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _fit_together(app, env):
    sources = getattr(env, "_viewcode_modules", {})
    documented = {
        name: known.docname
        for name, known in env.get_domain("py").objects.items()
        if known.objtype != "module"
    }
    for source, entry in list(sources.items()):
        if not entry:
            del sources[source]
            continue
        code, places, pages, module = entry
        # The module under which most of the names of this source are documented.
        parts = source.split(".")
        candidates = [module, *(".".join(parts[:n]) for n in range(len(parts), 0, -1))]
        module = max(candidates, key=lambda m: sum(f"{m}.{name}" in documented for name in pages))
        pages.update(
            {
                name: documented[f"{module}.{name}"]
                for name in pages
                if f"{module}.{name}" in documented
            }
        )
        sources[source] = code, places, pages, module
