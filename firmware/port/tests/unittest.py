# SPDX-License-Identifier: Apache-2.0
"""The part of `unittest` that MicroPython's tests use; its own is in no package we build from."""

import sys


class SkipTest(Exception):
    pass


class _Raises:
    def __init__(self, expected):
        self._expected = expected

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            raise AssertionError("%r not raised" % self._expected)
        self.exception = error
        return issubclass(kind, self._expected)


class TestCase:
    def setUp(self):
        pass

    def tearDown(self):
        pass

    def assertEqual(self, a, b, message=None):
        assert a == b, message or "%r != %r" % (a, b)

    def assertIn(self, a, b):
        assert a in b, "%r not in %r" % (a, b)

    def assertIsInstance(self, a, kind):
        assert isinstance(a, kind), "%r is no %r" % (a, kind)

    def assertRaises(self, expected, call=None, *args, **kwargs):
        if call is None:
            return _Raises(expected)
        with _Raises(expected):
            call(*args, **kwargs)


def skipIf(condition, reason):
    def skipped(self):
        raise SkipTest(reason)

    return lambda test: skipped if condition else test


def main():
    ran = failures = errors = skipped = 0
    module = __import__("__main__")
    for case in [getattr(module, name) for name in dir(module)]:
        if not (isinstance(case, type) and issubclass(case, TestCase)):
            continue
        if hasattr(case, "setUpClass"):
            case.setUpClass()
        for name in dir(case):
            if not name.startswith("test"):
                continue
            ran += 1
            outcome = "ok"
            test = case()
            try:
                test.setUp()
                try:
                    getattr(test, name)()
                finally:
                    test.tearDown()
            except SkipTest:
                skipped += 1
                outcome = "skipped"
            except AssertionError as error:
                failures += 1
                outcome = "FAIL"
                sys.print_exception(error)
            except Exception as error:
                errors += 1
                outcome = "ERROR"
                sys.print_exception(error)
            print(name, "(%s) ..." % case.__name__, outcome)
    print("-" * 70)
    print("Ran %d tests\n" % ran)
    if failures or errors:
        print("FAILED (failures=%d, errors=%d)" % (failures, errors))
    else:
        print("OK" + (" (skipped=%d)" % skipped if skipped else ""))
