"""The migration as the control log has it, and as the settings want it."""

import uuid

from schemas import MigrationDefined
from streams.config import Settings
from streams.errors import DriftError
from streams.migration.verdicts import Accepted, Unchanged
from streams.services.builds import Plan
from streams.services.control import ControlLog
from streams.services.steps import Action, Step

__all__ = ["ensure_migration"]


async def ensure_migration(settings: Settings, control: ControlLog, plan: Plan) -> Step:
    """Define the migration, or bring its policy in line with the settings.

    Raises: DriftError if the log has a migration between other lanes that is under way.
    """
    lanes = settings.migration_lanes
    if lanes is None:
        return Step("migration", Action.SKIPPED, "migration.source and migration.target are open")
    wanted = MigrationDefined(
        id=str(uuid.uuid4()),
        by=plan.by,
        source=lanes[0],
        target=lanes[1],
        salt=settings.migration.salt,
        policy=settings.migration.policy,
    )
    past = plan.state.migration
    detail = f"from {wanted.source} to {wanted.target}"
    if past is not None and _content(past) == _content(wanted):
        return Step("migration", Action.KEPT, detail)
    if plan.dry_run:
        return Step("migration", Action.WOULD_CREATE, detail)
    verdict = (await control.append(wanted)).verdict
    if isinstance(verdict, Accepted):
        return Step("migration", Action.CREATED, verdict.effect)
    if isinstance(verdict, Unchanged):  # somebody else's init was faster
        return Step("migration", Action.KEPT, verdict.why)
    now = control.state.migration
    raise DriftError(
        "the control log",
        {"migration": (detail, "none" if now is None else f"from {now.source} to {now.target}")},
        f"{verdict.why}; or put migration.source, migration.target and migration.salt back",
    )


def _content(migration: MigrationDefined) -> object:
    return (migration.source, migration.target, migration.salt, migration.policy)
