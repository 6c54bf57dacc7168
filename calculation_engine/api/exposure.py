"""Whether it is safe to listen where the settings say."""

from __future__ import annotations

from calculation_engine.errors import Fault, InvalidInput
from calculation_engine.settings import Settings


def check_exposure(settings: Settings, *, sandboxed: bool) -> None:
    """Return when it is safe to listen on the address that the settings name.

    Args:
        settings: of the server.
        sandboxed: whether every executor that can be used confines its steps.

    Raises:
        InvalidInput: others could reach the server without a token, or run programs on it that nothing confines.
    """
    if settings.is_loopback:
        return
    faults = []
    if settings.tokens_file is None:
        faults.append(
            Fault(
                "tokens_file",
                "others can reach this address, and no tokens are set",
                "name a file with one owner:token a line",
            )
        )
    if not sandboxed and not settings.serve_unsandboxed:
        hint = "install bubblewrap, or set serve_unsandboxed if you trust all who have a token"
        faults.append(Fault("serve_unsandboxed", "local steps are not confined on this machine", hint))
    if faults:
        raise InvalidInput(
            f"host: {settings.host} is not this machine's loopback; it will not be listened on", faults=faults
        )
