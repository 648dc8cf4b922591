# SPDX-License-Identifier: Apache-2.0
"""What chooses and starts the application: no update replaces what is here."""
