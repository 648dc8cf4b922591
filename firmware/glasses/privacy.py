# SPDX-License-Identifier: Apache-2.0
"""The privacy light: on while microphone data leaves the perception loop or the camera runs.

Only this module decides it. Code that does either marks its beginning and end:

    with privacy:
        picture = await camera.capture(...)
"""

# What the light is set to for one blink of a signal, which is not about privacy.
BLINK = 2


class Privacy:
    """Counts who needs the light. While nobody does, it may blink to tell the wearer something."""

    def __init__(self, light):
        self._light = light
        self._users = 0
        self._signal = False
        light.set(0)

    @property
    def lit(self):
        return self._users > 0

    def begin(self):
        self._users += 1
        if self._users == 1:
            self._light.set(1)

    def end(self):
        self._users -= 1
        if self._users == 0:
            self._light.set(BLINK if self._signal else 0)

    def signal(self, on):
        """Begins or ends one blink, which is not visible while sound or pictures leave."""
        if on != self._signal:
            self._signal = on
            if not self._users:
                self._light.set(BLINK if on else 0)

    def __enter__(self):
        self.begin()

    def __exit__(self, *_):
        self.end()
