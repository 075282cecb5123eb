"""Static files under names that hold a hash of their content, so that browsers keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage

# `import x from "./x.js"`, `import "./x.js"` and `export ... from "./x.js"` at the start of a line. Django's own
# patterns (support_js_module_import_aggregation) need a semicolon, and take an import("...") in a comment for code.
MODULE_IMPORT = r"""(?mx)^(?P<matched>
    (?P<head> (?:import|export) \s* (?: [\w*{}$,\s]+? \s from \s* )? )
    ["'] (?P<url> \.{1,2}/[^"'\n]+ ) ["']
)"""


class SuiteStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """
    Rewrites the relative imports of our modules to hashed names. An import map would do it too, but browsers take
    one from inside the page only, and the policy allows no inline script.

    Two modules that import each other have no stable hash: collectstatic says so.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("*.js", ((MODULE_IMPORT, '%(head)s"%(url)s"'),)))
