"""Full text of messages, kept in step by the database itself: bulk changes, the admin and SQL by hand included.

On SQLite a later migration that alters `Message` remakes its table, which drops the triggers: let it end with
`RunPython(forwards)` of this module again, which also rebuilds the index. The tests of the search fail if it does not.
"""

from django.db import migrations

# Marks belong to words (the vowels of Hindi), but accents do not matter: "cafe" finds "Café".
SQLITE = [
    """
    CREATE VIRTUAL TABLE IF NOT EXISTS chat_search USING fts5(
        body, content='chat_message', content_rowid='id',
        tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
    )
    """,
    """
    CREATE TRIGGER IF NOT EXISTS chat_search_insert AFTER INSERT ON chat_message BEGIN
        INSERT INTO chat_search(rowid, body) VALUES (new.id, new.body);
    END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS chat_search_delete AFTER DELETE ON chat_message BEGIN
        INSERT INTO chat_search(chat_search, rowid, body) VALUES ('delete', old.id, old.body);
    END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS chat_search_update AFTER UPDATE OF body ON chat_message BEGIN
        INSERT INTO chat_search(chat_search, rowid, body) VALUES ('delete', old.id, old.body);
        INSERT INTO chat_search(rowid, body) VALUES (new.id, new.body);
    END
    """,
    "INSERT INTO chat_search(chat_search) VALUES ('rebuild')",
]
SQLITE_BACK = [
    "DROP TRIGGER IF EXISTS chat_search_update",
    "DROP TRIGGER IF EXISTS chat_search_delete",
    "DROP TRIGGER IF EXISTS chat_search_insert",
    "DROP TABLE IF EXISTS chat_search",
]

# The same words as on SQLite: accents off, and punctuation parts words (the default parser would keep a whole URL or
# address as one). `unaccent` is neither immutable nor always installed; taking decomposed text apart needs neither.
POSTGRESQL = [
    r"""
    ALTER TABLE chat_message ADD COLUMN search tsvector GENERATED ALWAYS AS (
        to_tsvector('simple', translate(
            regexp_replace(normalize(body, NFKD), '[\u0300-\u036f]', '', 'g'),
            '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32)
        ))
    ) STORED
    """,
    "CREATE INDEX chat_message_search ON chat_message USING gin (search)",
]
POSTGRESQL_BACK = ["ALTER TABLE chat_message DROP COLUMN search"]


def run(statements):
    def operation(apps, schema_editor):
        for statement in statements[schema_editor.connection.vendor]:
            schema_editor.execute(statement, params=None)

    return operation


forwards = run({"sqlite": SQLITE, "postgresql": POSTGRESQL})
backwards = run({"sqlite": SQLITE_BACK, "postgresql": POSTGRESQL_BACK})


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards)]
