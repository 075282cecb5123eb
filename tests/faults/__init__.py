"""A history checker in the manner of Jepsen: `python3 manage.py faults`. See docs/faults.md.

`run.py` starts the parts and tells the story; `schedule.py` says what breaks when, `nemesis.py` breaks it; `tab.py` is a client
that writes a history; `checker.py` judges the history by what is stored; `workload.py` says what an app has to bring.
"""
