"""The end of the migration: the safety period, complete, and the retirement of the source lane."""

from streams.demo.moving import until_serving
from streams.demo.scene import Scene
from streams.demo.terminal import HELD

__all__ = ["finish", "live_on"]


async def finish(scene: Scene) -> None:
    """From 100 % to the last collection: every wait is a guard's, shortened for the demo."""
    screen, terminal, policy = scene.screen, scene.terminal, scene.settings.migration
    screen.chapter(f"The safety period, and the end of {scene.source}")
    if await terminal.run("stage", "rampdown", expect=(0, HELD)) == HELD:
        state = await scene.control.refresh()
        await scene.passed(state.ramp.since, policy.full_hold_seconds, "100 % holds")
        await terminal.run("stage", "rampdown")
    state = await scene.control.refresh()
    await scene.application.revise(3)
    screen.say("\n[dim]# Rows still change, and both lanes are written: the way back is open.[/]")
    await scene.passed(state.stage_since, policy.safety_seconds, "safety period")
    await scene.converged()
    await terminal.run("verify", scene.target)
    await terminal.run("stage", "complete")
    state = await scene.control.refresh()
    revised = await scene.application.revise(4)
    screen.say(f"\n[dim]# {revised} texts change now, and {scene.source} is not asked any more.[/]")
    await scene.passed(state.stage_since, policy.retire_hold_seconds, "hold before the retirement")
    await terminal.run("status")
    await terminal.run("retire", scene.source, "--dry-run")
    await terminal.run("retire", scene.source, "--yes", "--write")


async def live_on(scene: Scene) -> None:
    """Run what is left by the configuration that is left, and verify it."""
    screen, terminal = scene.screen, scene.terminal
    screen.chapter(f"Life without {scene.source}")
    async with terminal.running("roles-after", "up"):
        await until_serving(f"http://127.0.0.1:{scene.settings.serve.port}")
        revised = await scene.application.revise(5)
        screen.say(f"[dim]# {revised} texts change.[/]")
        await terminal.run("search", "compress data into a file", "--lane", scene.target)
        await terminal.run("verify", "--wait", "60")
