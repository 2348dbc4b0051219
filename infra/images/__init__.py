"""Looks at main images: fetches them, measures them in processes of its own, remembers the facts.

Only `measuring` and what it imports need Pillow, NumPy and the OCR; the service never imports them.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
"""Set before anything of ours can import onnxruntime, which reads it at import from 1.29 on."""
