# SPDX-License-Identifier: Apache-2.0
"""The privacy light: on while microphone data leaves the perception loop or the camera runs.

This is the one place that decides it. Whatever does either says when it begins and ends:

    with privacy:
        picture = await camera.capture(...)
"""


class Privacy:
    """Counts who needs the light."""

    def __init__(self, light):
        self._light = light
        self._users = 0
        light.set(False)

    @property
    def lit(self):
        return self._users > 0

    def begin(self):
        self._users += 1
        if self._users == 1:
            self._light.set(True)

    def end(self):
        self._users -= 1
        if self._users == 0:
            self._light.set(False)

    def __enter__(self):
        self.begin()

    def __exit__(self, *_):
        self.end()
