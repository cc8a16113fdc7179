"""Alembic's entry: runs on the connection that `clinic.record.migrate` hands over."""

from alembic import context

from clinic.record.schema import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
