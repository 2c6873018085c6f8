"""W-TinyLFU: a small window for what is new; who stays after it is decided by frequency."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from proxysim.policies.frequency import FrequencySketch, key_hash
from proxysim.policies.parameters import Reader, share, whole

__all__ = ["WTinyLfu"]

_Entry = tuple[int, int]  # size, hash of the key


class WTinyLfu:
    """A window (LRU) in front of a main part: a list on trial and a protected one, both LRU.

    The window has the share *window* of the capacity, and always the newest object. What it has no
    room for goes to the front of the trial list. When the cache is full, the window's oldest stands
    against the least recently used on trial, and the one less often asked for of late goes; the
    window's if equal. A use on trial leads to the protected list, the share *protected* of the main
    part; what that has no room for is on trial again. Frequencies come from a
    :class:`~proxysim.policies.frequency.FrequencySketch` that remembers *sample* requests an object
    and grows with their number. O(1), amortised. Inserting again counts as a use, and starts anew
    in the window.

    Source: Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy" (ACM
    ToS, 2017), with its window of 1 %, its protected 80 % and its sample W / C = 16.
    """

    __slots__ = (
        "_protected",
        "_protected_room",
        "_protected_used",
        "_sketch",
        "_trial",
        "_window",
        "_window_room",
        "_window_used",
        "capacity",
        "used",
    )

    parameters: ClassVar[Mapping[str, Reader]] = {
        "window": share(0, 0.99),
        "protected": share(0, 0.99),
        "sample": whole(1, 1000),
    }

    def __init__(
        self, capacity: int, window: float = 0.01, protected: float = 0.8, sample: int = 16
    ) -> None:
        self.capacity = capacity
        self.used = 0
        self._window: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._trial: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._protected: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._window_room = int(capacity * window)
        self._window_used = 0
        self._protected_room = int((capacity - self._window_room) * protected)
        self._protected_used = 0
        self._sketch = FrequencySketch(64, sample)

    def touch(self, key: Hashable) -> bool:
        entry = self._protected.get(key)
        if entry is not None:
            self._protected.move_to_end(key)
        elif (entry := self._trial.pop(key, None)) is not None:
            self._protect(key, entry)
        elif (entry := self._window.get(key)) is not None:
            self._window.move_to_end(key)
        else:
            return False
        self._sketch.add(entry[1])
        return True

    def insert(self, key: Hashable, size: int) -> Sequence[Hashable]:
        self.discard(key)
        if size > self.capacity:
            return (key,)
        gone = []
        window = self._window
        while True:
            victim = self.victim(size)
            if victim is None and (not window or self._window_used + size <= self._window_room):
                break
            if window and victim != (oldest := next(iter(window))):
                self._trial[oldest] = entry = window.pop(oldest)
                self._window_used -= entry[0]
            if victim is not None:
                self.discard(victim)
                gone.append(victim)
        hashed = key_hash(key)
        self._window[key] = size, hashed
        self._window_used += size
        self.used += size
        self._sketch.add(hashed)
        if len(self) > self._sketch.objects:
            self._sketch.grow()
        return gone

    def _protect(self, key: Hashable, entry: _Entry) -> None:
        if entry[0] > self._protected_room:
            self._trial[key] = entry
            return
        self._protected[key] = entry
        self._protected_used += entry[0]
        while self._protected_used > self._protected_room:
            oldest, fallen = self._protected.popitem(last=False)
            self._protected_used -= fallen[0]
            self._trial[oldest] = fallen

    def discard(self, key: Hashable) -> None:
        if (entry := self._protected.pop(key, None)) is not None:
            self._protected_used -= entry[0]
        elif (entry := self._window.pop(key, None)) is not None:
            self._window_used -= entry[0]
        elif (entry := self._trial.pop(key, None)) is None:
            return
        self.used -= entry[0]

    def victim(self, size: int) -> Hashable | None:
        if self.used + size <= self.capacity or not self.used:
            return None
        window, main = self._window, self._trial or self._protected
        if not main:
            return next(iter(window))
        resident = next(iter(main))
        if window:
            candidate = next(iter(window))
            estimate = self._sketch.estimate
            if estimate(window[candidate][1]) <= estimate(main[resident][1]):
                return candidate
        return resident

    def __contains__(self, key: object) -> bool:
        return key in self._protected or key in self._window or key in self._trial

    def __len__(self) -> int:
        return len(self._protected) + len(self._window) + len(self._trial)
